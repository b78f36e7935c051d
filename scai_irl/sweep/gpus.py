"""GPUs of this machine, and their assignment to the processes of a pool."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
from itertools import takewhile
from pathlib import Path

import jax

VISIBLE = "CUDA_VISIBLE_DEVICES"
"""Environment variable that limits the GPUs of a process; it must be set before the first use of a GPU."""

_DEVICES = Path("/dev")
_A_GPU = re.compile(r"\d+|(GPU|MIG)-.+")  # CUDA ignores every entry after an invalid one


def visible_gpus() -> tuple[str, ...] | None:
    """Return the names of the GPUs that processes of this machine can use; None if they are unknown."""
    variable = os.environ.get(VISIBLE)
    if variable is not None:
        return tuple(takewhile(_A_GPU.fullmatch, (name.strip() for name in variable.split(","))))
    count = len(list(_DEVICES.glob("nvidia[0-9]*")))
    return tuple(str(number) for number in range(count)) or None


def gpu_slots(gpus: float, visible: tuple[str, ...] | None) -> tuple[str | None, ...]:
    """Return the GPUs of each process of a pool as large as possible; None for a process without a limit.

    Args:
        gpus: GPUs of a process: a share of one, or a whole number.
        visible: See `visible_gpus`. If unknown, there is one GPU, or one process.

    Example:
        >>> gpu_slots(0.5, ("0", "1"))
        ('0', '1', '0', '1')
        >>> gpu_slots(2, ("0", "1", "2"))
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
    """Return whether JAX uses only the CPU in this process."""
    if getattr(jax.config, "jax_platforms", None) == "cpu":
        return True
    return not importlib.metadata.entry_points(group="jax_plugins") and importlib.util.find_spec("libtpu") is None
