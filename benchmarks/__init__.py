"""Speed and truth cases, measured against other programs in one run."""
