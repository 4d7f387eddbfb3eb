"""The import rules that keep the packages apart, and the names that could be shadowed by a stranger's."""

from __future__ import annotations

import ast
import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("scenarios", "profiles", "grid", "sim", "benchmarks")

MAY_IMPORT = {
    "scenarios": {"scenarios"},
    "profiles": {"profiles", "scenarios"},
    "grid": {"grid", "scenarios"},
    "sim": {"sim", "grid", "profiles", "scenarios"},
    "benchmarks": set(PACKAGES),
}

OWNERS = {
    "pandapower": ("grid/network.py", "grid/reference.py", "grid/tables.py", "grid/elements.py", "grid/imports/"),
    "pvlib": ("profiles/solar.py", "profiles/sun.py", "profiles/nasa_power.py"),
    "windpowerlib": ("profiles/wind.py",),
    "pydantic": ("scenarios/",),
    "pydantic_core": ("scenarios/",),
    "typer": ("simulate.py",),
    "pyarrow": ("sim/runs.py",),
    "plotly": ("sim/report/",),
    "jinja2": ("sim/report/",),
    "openpyxl": ("sim/report/",),
    "dask": ("sim/absorption/sweep_pool.py",),
    "distributed": ("sim/absorption/sweep_pool.py",),
    "highspy": ("sim/dispatch/window.py",),
}

KERNEL_MAY_IMPORT = {"__future__", "typing", "collections", "numpy", "numba", "math"}


def sources() -> list[Path]:
    return [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))] + [
        ROOT / "simulate.py"
    ]


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """Yield (top-level module, whether it was ``from x import y``) of every import in a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name.split(".")[0], False) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0], True


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_follow_the_layout(path: Path):
    name = path.relative_to(ROOT).as_posix()
    package = name.split("/")[0]
    for module, by_name in imports(path):
        if module in PACKAGES:
            assert module in MAY_IMPORT.get(package, set(PACKAGES)), f"{name} may not import {module}"
            assert by_name, f"{name}: write `from {module}… import …`, the bare name could be a stranger's"
        if module in OWNERS and package != "benchmarks":
            assert name.startswith(OWNERS[module]), f"{name} may not import {module}; its home is {OWNERS[module]}"
        if path.name.startswith("kernels"):
            assert module in KERNEL_MAY_IMPORT or module == package, f"kernel {name} may not import {module}"


@pytest.mark.parametrize(
    "path", [path for path in sources() if path.stem.startswith("kernels")], ids=lambda path: path.stem
)
def test_kernels_build_on_kernels_of_their_own_directory(path: Path):
    """The cache of compiled kernels is kept by directory, so none may hold code from another one."""
    own = ".".join(path.relative_to(ROOT).parent.parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] in PACKAGES:
            assert own in (node.module, node.module.rpartition(".")[0]), f"{path} uses {node.module}"


@pytest.mark.parametrize("package", PACKAGES)
def test_the_imported_packages_are_ours(package: str):
    spec = importlib.util.find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    assert Path(spec.origin).parent == ROOT / package


def test_help_needs_none_of_the_heavy_libraries():
    script = (
        "import sys\n"
        "from simulate import app\n"
        "heavy = {'pandapower', 'pvlib', 'numba', 'scipy', 'plotly', 'pyarrow'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True)
