"""Speed and truth cases, measured against other programs in one run."""

from scenarios import DEFAULT_SCENARIO  # noqa: F401  (before numpy: it sets the threads of products)
