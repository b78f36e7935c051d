"""Preparation of a process of this project: the command line, or a worker of a sweep."""

from __future__ import annotations

import io
import os
import platform
import sys
import warnings
from pathlib import Path

_WORTH_KEEPING = 0.05  # seconds of compilation


def prepare_process() -> None:
    """Set up JAX's cache of compiled programs, and allow output whose encoding lacks some characters.

    The cache is in the user's cache folder, one for each machine, unless JAX is configured otherwise. A cache that
    cannot be read or written only costs time, so its warnings are ignored. JAX is not imported here.
    """
    caches = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    _configure_jax(str(caches / "scai-irl" / f"jax-{platform.node()}"))
    warnings.filterwarnings("ignore", "Error (reading|writing) persistent compilation cache")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")


def _configure_jax(folder: str) -> None:
    jax = sys.modules.get("jax")
    if jax is None:  # it reads these when it is imported
        if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
            os.environ["JAX_COMPILATION_CACHE_DIR"] = folder
            os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = str(_WORTH_KEEPING)
    elif getattr(jax.config, "jax_compilation_cache_dir", None) is None:
        jax.config.update("jax_compilation_cache_dir", folder)
        jax.config.update("jax_persistent_cache_min_compile_time_secs", _WORTH_KEEPING)
