"""What is simulated: scenario files, input tables, the time axis, and the record and error types all share."""

import os

DEFAULT_SCENARIO = "plan-2025"

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy: see docs/decisions/024-one-blas-thread.md
