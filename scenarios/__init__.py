"""What is simulated: scenario files, input tables, the time axis, and the record and error types all share."""

DEFAULT_SCENARIO = "plan-2025"
