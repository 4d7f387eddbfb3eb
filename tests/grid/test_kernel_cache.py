"""The folder of compiled kernels: an edit of any kernel file, also of a callee, is never answered by old code."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from scenarios import jitcache

ROOT = Path(jitcache.__file__).resolve().parent.parent
CALLEE = "import numba\n\n\n@numba.njit(cache=True)\ndef part(x):\n    return x + {number}\n"
CALLER = """import numba

from grid.kernels_part import part


@numba.njit(cache=True)
def whole(x):
    return part(x) * 10
"""


@pytest.fixture
def copy(tmp_path):
    """A tiny project with the cache module and two kernel files, one calling the other."""
    root = tmp_path / "project"
    for package in ("scenarios", "grid"):
        (root / package).mkdir(parents=True)
        (root / package / "__init__.py").write_text("")
    shutil.copy(jitcache.__file__, root / "scenarios" / "jitcache.py")
    (root / "grid" / "kernels_part.py").write_text(CALLEE.format(number=1))
    (root / "grid" / "kernels_whole.py").write_text(CALLER)
    return root


def ask(root, **environment):
    """Run the copy in a new process: answer, folder used, and how often the cache was hit."""
    code = (
        "from scenarios import jitcache; from grid.kernels_whole import whole;"
        "answer = whole(1); print(answer, jitcache.FOLDER, sum(whole.stats.cache_hits.values()))"
    )
    clean = {k: v for k, v in os.environ.items() if k not in ("NUMBA_CACHE_DIR", "PYTHONPATH")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=root,
        env={**clean, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    answer, folder, hits = done.stdout.split()
    return int(answer), folder, int(hits)


def test_edit_of_a_callee_is_seen(copy):
    first, folder, hits = ask(copy)
    assert (first, hits) == (20, 0)  # (1 + 1) · 10, compiled
    assert ask(copy) == (20, folder, 1)  # from disk
    (copy / "grid" / "kernels_part.py").write_text(CALLEE.format(number=4))
    answer, other, hits = ask(copy)
    assert (answer, hits) == (50, 0) and other != folder  # (1 + 4) · 10, not the old 20
    # a child that inherits the folder of the old sources does not use it either
    assert ask(copy, NUMBA_CACHE_DIR=folder)[0] == 50


def test_an_edit_elsewhere_keeps_what_a_directory_compiled(copy):
    for package in ("sim", "sim/dispatch"):
        (copy / package).mkdir()
        (copy / package / "__init__.py").write_text("")
    other = copy / "sim" / "dispatch" / "kernels.py"
    other.write_text(CALLEE.format(number=7))
    first, folder, _ = ask(copy)
    other.write_text(CALLEE.format(number=8))
    answer, new_folder, hits = ask(copy)
    assert (answer, hits) == (first, 1) and new_folder != folder  # not compiled again
    # but what was edited itself is compiled
    (copy / "grid" / "kernels_part.py").write_text(CALLEE.format(number=2))
    assert ask(copy)[::2] == (30, 0)


def test_read_only_install_uses_the_users_cache(copy, tmp_path, monkeypatch):
    def beside_sources_only(folder):
        return not str(folder).startswith(str(copy))

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    monkeypatch.setattr(jitcache, "_writable", beside_sources_only)
    monkeypatch.setattr(jitcache, "_tell_loaded_numba", lambda folder: None)
    monkeypatch.setattr(jitcache, "_take_over", lambda folder, keys: None)
    monkeypatch.setattr(jitcache, "_sweep", lambda folder: None)
    folder = jitcache.use(copy)
    assert folder is not None and tmp_path / "cache" in folder.parents
    monkeypatch.setattr(jitcache, "_writable", lambda folder: False)
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    assert jitcache.use(copy) is None


def test_every_kernel_file_is_in_the_key():
    names = {path.relative_to(ROOT).as_posix() for path in jitcache.jitted_sources()}
    kernels = {
        path.relative_to(ROOT).as_posix() for path in ROOT.glob("*/**/kernels*.py") if ".venv" not in path.parts
    }
    kernels = {name for name in kernels if name.split("/")[0] in jitcache.PACKAGES}
    assert kernels <= names and {"grid/lanes.py", "grid/simd.py"} <= names


def test_every_file_that_compiles_a_function_is_in_the_key():
    decorated = re.compile(r"^@(njit|kernel|entry|inlined|summing|allocating|operation)\b", re.MULTILINE)
    files = [path for package in jitcache.PACKAGES for path in (ROOT / package).rglob("*.py")]
    compiling = {path for path in files if decorated.search(path.read_text(encoding="utf-8"))}
    assert len(compiling) > 20
    assert compiling <= set(jitcache.jitted_sources())
