"""Preparation of a process of this project: the command line, or a worker of a sweep."""

from __future__ import annotations

import io
import os
import platform
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import jax

_WORTH_KEEPING = 0.05  # seconds of compilation


def prepare_process() -> None:
    """Set up JAX's cache of compiled programs, and allow output whose encoding lacks some characters.

    The cache is in the user's cache folder, one for each machine, unless JAX is configured otherwise. A cache that
    cannot be read or written only costs time, so its warnings are ignored.
    """
    if getattr(jax.config, "jax_compilation_cache_dir", None) is None:
        caches = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
        update: Callable[[str, object], None] = jax.config.update
        update("jax_compilation_cache_dir", str(caches / "scai-irl" / f"jax-{platform.node()}"))
        update("jax_persistent_cache_min_compile_time_secs", _WORTH_KEEPING)
    warnings.filterwarnings("ignore", "Error (reading|writing) persistent compilation cache")
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
