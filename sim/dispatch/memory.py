"""Memory of arrays that were freed → the next arrays, without giving it back to the system in between.

A year of dispatch makes and drops some hundred arrays of a few MB. The C library asks the system for each of them
and gives it back, and the system clears every page anew: 6,700 pages, a tenth of the time of a year.
"""

from __future__ import annotations

import ctypes
import platform
from functools import lru_cache

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""Names of the two settings in ``malloc.h``."""

KEPT_BYTES = 256 << 20
"""Free memory at the end of the heap that stays with the process."""

APART_BYTES = 32 << 20
"""Arrays from this size on are asked for, and given back, one by one: the most that the library allows."""


@lru_cache(maxsize=1)
def keep_freed_memory() -> bool:
    """Let the C library keep what is freed; return whether it could be told: others than glibc go without."""
    if platform.libc_ver()[0] != "glibc":
        return False
    set_option = ctypes.CDLL(None).mallopt
    return bool(set_option(MMAP_THRESHOLD, APART_BYTES)) and bool(set_option(TRIM_THRESHOLD, KEPT_BYTES))
