"""Network tables → a compiled grid; megawatts at buses → AC flows and voltages."""

from scenarios import jitcache

__all__ = ["jitcache"]  # names the folder of compiled kernels before numba is first imported
