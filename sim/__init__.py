"""The year: dispatch, power flow, metrics, report and run folders, joined by the pipeline."""

from scenarios import jitcache

__all__ = ["jitcache"]  # names the folder of compiled kernels before numba is first imported
