"""What all tests share: run-time checks of shapes, hypothesis profiles and a cache of compiled programs."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import jax
import pytest
from hypothesis import settings
from jaxtyping import install_import_hook

# From here on every annotated function and dataclass of these packages checks the shapes and dtypes of its arrays, so the
# hook must stand before either is imported. The numeric tower lets an int pass for a float, as PEP 484 does.
install_import_hook(["envs", "inference"], "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))")

# Compilation takes most of a test's time, and a first example all of it: no deadline. CI repeats the same examples.
settings.register_profile("dev", deadline=None, max_examples=50)
settings.register_profile("ci", parent=settings.get_profile("dev"), derandomize=True)
settings.load_profile("ci" if "CI" in os.environ else "dev")


def pytest_configure(config: pytest.Config) -> None:
    """Keep compiled programs between runs, by user and by machine, since they hold the processor's instructions."""
    # A cache that cannot be read or written costs time and nothing else.
    config.addinivalue_line("filterwarnings", "ignore:Error (reading|writing) persistent compilation cache")
    if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
        caches = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
        jax.config.update("jax_compilation_cache_dir", str(caches / "scai-irl" / f"jax-{platform.node()}"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)
