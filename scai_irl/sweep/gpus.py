"""GPUs of this machine: which there are, and which of them each process of a pool may see."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
from itertools import takewhile
from pathlib import Path

import jax

VISIBLE = "CUDA_VISIBLE_DEVICES"
"""Variable by which a process is told its GPUs, before it first asks for one."""

_DEVICES = Path("/dev")
_A_GPU = re.compile(r"\d+|(GPU|MIG)-.+")  # CUDA takes no notice of what follows anything else


def visible_gpus() -> tuple[str, ...] | None:
    """What processes that are started here may call the GPUs that they see; None if nobody knows of any."""
    told = os.environ.get(VISIBLE)
    if told is not None:
        return tuple(takewhile(_A_GPU.fullmatch, (name.strip() for name in told.split(","))))
    count = len(list(_DEVICES.glob("nvidia[0-9]*")))
    return tuple(str(number) for number in range(count)) or None


def places(gpus: float, visible: tuple[str, ...] | None) -> tuple[str | None, ...]:
    """What each of as many processes as there is room for may see; None for one that sees whatever there is.

    Args:
        gpus: GPUs of a process: a share of one, or a whole number.
        visible: See `visible_gpus`. If nobody knows, there is room on one GPU, or for one process.

    Example:
        >>> places(0.5, ("0", "1"))
        ('0', '1', '0', '1')
        >>> places(2, ("0", "1", "2"))
        ('0,1',)
    """
    sharing = max(1, int(1 / gpus + 1e-9))
    if visible is None:
        return (None,) * sharing
    if gpus < 1:
        return visible * sharing
    each = int(gpus)
    return tuple(",".join(visible[first : first + each]) for first in range(0, len(visible) - each + 1, each))


def has_only_cores() -> bool:
    """Return whether JAX has nothing but cores to compute on in this process, as in one that is told so."""
    if getattr(jax.config, "jax_platforms", None) == "cpu":
        return True
    return not importlib.metadata.entry_points(group="jax_plugins") and importlib.util.find_spec("libtpu") is None
