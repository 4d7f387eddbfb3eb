"""What processes of the tests do with a job: its key says how it ends. Kept light: every process loads it."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from sim.absorption.sweep_jobs import Ending, Job


def obey(job: Job) -> Ending:
    """Note in the job's folder that it began, then do what its key says."""
    with (job.out_dir / job.key).open("a") as file:
        file.write("begun\n")
    match job.key.split("-")[0]:
        case "die":
            os.kill(os.getpid(), signal.SIGKILL)
        case "raise":
            raise RuntimeError("as told")
        case "slow":
            time.sleep(0.5)
    return Ending(folder=f"folder of {job.key}")


def threads(job: Job) -> Ending:
    """Return how many threads libraries may use here."""
    return Ending(folder=os.environ["NUMBA_NUM_THREADS"])


def parent(job: Job) -> Ending:
    """Write this process's number and stay for long."""
    (job.out_dir / "process").write_text(str(os.getpid()))
    time.sleep(600)
    return Ending()


def times_begun(job: Job) -> int:
    path = Path(job.out_dir / job.key)
    return len(path.read_text().splitlines()) if path.exists() else 0
