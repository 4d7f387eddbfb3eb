"""The year: dispatch, power flow, metrics, report and run folders, joined by the pipeline."""
