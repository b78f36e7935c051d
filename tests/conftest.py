"""Setup of all tests: run-time checks of shapes, hypothesis profiles and a cache of compiled programs."""

from __future__ import annotations

import gc
import os
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
from hypothesis import settings
from jaxtyping import install_import_hook

from tests.turns import TURNS, Turns

# Some machines forbid Python to write compiled files. Then each of the hundreds of commands below would compile
# all of the source again.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# From here on every annotated function and dataclass of these packages checks the shapes and dtypes of its arrays. The
# hook must be installed before either is imported. The numeric tower lets an int pass for a float, as PEP 484 does.
install_import_hook(["envs", "inference"], "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))")

# No deadline: compilation takes most of a test's time, and nearly all of a first example's. CI repeats its examples.
settings.register_profile("dev", deadline=None, max_examples=50)
settings.register_profile("ci", parent=settings.get_profile("dev"), derandomize=True)
settings.load_profile("ci" if "CI" in os.environ else "dev")


# Compiled programs are kept between runs, by user and by machine, since they hold the processor's instructions. JAX
# reads these when it is first imported; commands that a test starts inherit them. Most programs compile in less than a
# second, JAX's default limit, and there are thousands of them: all are kept.
_CACHES = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(_CACHES / "scai-irl" / f"jax-{platform.node()}"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")

# Fast tests compile thousands of programs and run each a few times. Without optimisation, that takes a quarter of the
# time. Slow tests compute more, so their programs are optimised. Some versions of XLA stop at a flag unknown to them.
_NO_OPTIMISATION = "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true"
if version("jaxlib").startswith("0.10."):
    _NO_OPTIMISATION += " --xla_cpu_use_fusion_emitters=false"

_MOST_MEMORY = 3 * 2**30  # bytes in one process


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options with which CI chooses slow tests."""
    group = parser.getgroup("turns", "slow tests by turns")
    group.addoption("--turn", type=int, default=0, help=f"slow tests to run, 1 to {TURNS}; all if not given")
    group.addoption("--until", type=float, default=0, help="start no slow test after this time (seconds since 1970)")
    group.addoption("--record-turns", action="store_true", help="measure the slow tests and share them out anew")


def pytest_configure(config: pytest.Config) -> None:
    """Choose slow tests. Ensure that a broken cache costs time and nothing else."""
    if "not slow" in config.getoption("markexpr"):
        os.environ["XLA_FLAGS"] = f"{_NO_OPTIMISATION} {os.environ.get('XLA_FLAGS', '')}".strip()
    turns = Turns(*(config.getoption(name) for name in ("turn", "until", "record_turns")))
    config.pluginmanager.register(turns, "turns")
    config.addinivalue_line("filterwarnings", "ignore:Error (reading|writing) persistent compilation cache")


@pytest.fixture(autouse=True, scope="module")
def _forget_compiled_programs() -> Iterator[None]:
    """Free the compiled programs once they fill gigabytes. Until then later modules reuse them."""
    yield
    if "jax" in sys.modules and _memory() > _MOST_MEMORY:
        sys.modules["jax"].clear_caches()
        gc.collect()


def _memory() -> int:
    """Bytes of memory that this process uses now, or too many where the system does not say."""
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    except OSError:
        return sys.maxsize
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
