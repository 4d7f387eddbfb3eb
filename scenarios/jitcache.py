"""Where compiled kernels are kept: a folder named after the text of every jitted file, so it cannot be stale.

numba's disk cache looks only at the file of the function itself; an edit in a kernel that it calls goes unseen.
Here the cache folder carries a hash over all jitted sources of the project, the Python and the numba version and
the machine; any edit leads to another folder. A new folder takes over from an older one what a source directory
compiled, as long as no jitted file of that directory changed: kernels call kernels of their own directory only,
which the test of the architecture holds. Import this module before numba:

    from scenarios import jitcache  # noqa: F401  (before numba)

It imports neither numba nor anything of the project. A folder set by the user in ``NUMBA_CACHE_DIR`` is respected
as the parent. Folders that are no longer used are removed when a new one is made.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("scenarios", "profiles", "grid", "sim")
MARK = re.compile(rb"numba|kernels\w* import")
"""A file is jitted when it speaks of numba, or builds on kernels (whose decorators it then uses)."""
NOTE = "directories.txt"
"""In every cache folder: which source directories it was compiled from, with their hashes."""
KEEP = 4
"""Number of cache folders kept beside the current one (several checkouts may share a parent)."""
YOUNG_S = 24 * 3600.0


def jitted_sources(root: Path = ROOT) -> list[Path]:
    """Return every source file below ``root`` that speaks of numba, sorted by path."""
    files = (path for package in PACKAGES for path in (root / package).rglob("*.py"))
    return sorted(path for path in files if MARK.search(path.read_bytes()))


def source_key(root: Path = ROOT) -> str:
    """Return the hash over all jitted sources and all that compiled code depends on besides them."""
    return _hash_of(jitted_sources(root), root)


def _hash_of(files: Iterable[Path], root: Path) -> str:
    digest = hashlib.sha256()
    for part in (sys.version, version("numba"), version("llvmlite"), platform.machine(), str(root)):
        digest.update(part.encode())
    for path in files:
        digest.update(str(path.relative_to(root)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def directory_keys(root: Path = ROOT) -> dict[str, str]:
    """Return, for every directory with jitted files, numba's name for it and the hash as of ``source_key``."""
    files = jitted_sources(root)
    folders = sorted({path.parent for path in files})
    return {_numba_name(folder): _hash_of((f for f in files if f.parent == folder), root) for folder in folders}


def _numba_name(folder: Path) -> str:
    """Return what numba calls the cache of a source directory; with another name nothing would be taken over."""
    return f"{folder.name}_{hashlib.sha1(str(folder).encode(), usedforsecurity=False).hexdigest()}"


def parents(root: Path = ROOT) -> list[Path]:
    """Return where the cache may lie, best first: the user's choice, beside the sources, the user's cache, temp."""
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    cache_home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    user = str(os.getuid()) if hasattr(os, "getuid") else "user"
    places = [root / "build" / "kernels", cache_home / "wumeng" / "kernels"]
    places.append(Path(tempfile.gettempdir()) / f"wumeng-kernels-{user}")
    if not chosen:
        return places
    own = Path(chosen).name.startswith("src-")  # set by a parent process for other sources
    return [Path(chosen).parent if own else Path(chosen), *places]


def use(root: Path = ROOT) -> Path | None:
    """Point numba at the folder for the present sources, make it if needed, and return it.

    Returns ``None`` where no place can be written; numba then compiles anew in every process.
    """
    key = source_key(root)
    if Path(os.environ.get("NUMBA_CACHE_DIR", "")).name == f"src-{key}":
        return Path(os.environ["NUMBA_CACHE_DIR"])  # a child process inherits the parent's folder
    for parent in parents(root):
        folder = parent / f"src-{key}"
        if _writable(folder):
            os.environ["NUMBA_CACHE_DIR"] = str(folder)
            _tell_loaded_numba(folder)
            _take_over(folder, directory_keys(root))
            _sweep(folder)
            return folder
    return None


def is_cold(folder: Path | None, kernel: str = "") -> bool:
    """Whether a cache folder holds nothing compiled yet, so that the first use of the kernels has to wait.

    With ``kernel`` (file and function, like ``kernels.walk_years``) only that one is looked for.
    """
    return folder is None or next(folder.rglob(f"{kernel}*.nbi"), None) is None


def _take_over(folder: Path, keys: dict[str, str]) -> None:
    """Copy from older folders what belongs to unchanged directories, once, when ``folder`` is new."""
    note = folder / NOTE
    if note.exists():
        return
    old = sorted(folder.parent.glob(f"src-*/{NOTE}"), key=lambda path: path.stat().st_mtime, reverse=True)
    for name, key in keys.items():
        same = (path.parent / name for path in old if f"{name} {key}" in path.read_text().splitlines())
        source = next((path for path in same if path.is_dir()), None)
        if source is not None and not (folder / name).exists():
            # Written beside its final name: another process that starts now sees all of it or nothing.
            with tempfile.TemporaryDirectory(dir=folder) as beside, contextlib.suppress(OSError, shutil.Error):
                shutil.copytree(source, Path(beside) / name).rename(folder / name)
    note.write_text("".join(f"{name} {key}\n" for name, key in keys.items()))


def _tell_loaded_numba(folder: Path) -> None:
    """Numba reads the variable on import; when someone imported it earlier, its setting is changed directly."""
    config = sys.modules.get("numba.core.config")
    if config is not None:
        config.CACHE_DIR = str(folder)  # type: ignore[attr-defined]


def _writable(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError:
        return False
    os.utime(folder)
    return True


def _sweep(current: Path) -> None:
    """Remove all but the newest folders that nothing has used for a day; another process may do the same."""
    old = time.time() - YOUNG_S
    others = [path for path in current.parent.glob("src-*") if path != current and path.is_dir()]
    ages = sorted(((path.stat().st_mtime, path) for path in others), reverse=True)
    for stamp, path in ages[KEEP:]:
        if stamp < old:
            shutil.rmtree(path, ignore_errors=True)


FOLDER = use()
