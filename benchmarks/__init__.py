"""Speed and truth cases, measured against other programs in one run."""

import scenarios  # noqa: F401  (before numpy)
