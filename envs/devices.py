"""Devices: which there are, and work spread over them along the axis of runs.

Runs do not know of each other; nor do chains, data sets or environments. Whatever has them as its first axis is cut
along it, and each device does its share alone, by the same program: there is nothing to send between devices, and the
numbers are those of one device. With a single device nothing is cut.

Devices of several machines count as one set once `join_hosts` has been called in a process on each.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils
from jax.sharding import AxisType, Mesh, NamedSharding, PartitionSpec

RUN = "run"
"""Name of the mesh's only axis."""


def join_hosts() -> None:
    """Make one set of the devices of all processes that a scheduler started together; call it before anything of JAX.

    Every process then has to do the same with the same data, and gets the whole result. How many they are and where the
    first one listens, JAX reads from the scheduler's variables (Slurm, Open MPI, Kubernetes). Nothing calls this by
    itself.

    Of the GPUs that a process sees it takes the one with its own number among the node's processes, or the only one.

    Raises:
        ValueError: If no scheduler is found.
    """
    # JAX takes it that all processes of a node see the same GPUs; a scheduler that binds shows each only its own.
    shown = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    jax.distributed.initialize(local_device_ids=[0] if shown != [""] and len(shown) == 1 else None)


def run_mesh() -> Mesh:
    """All devices there are, in a row.

    Example:
        >>> run_mesh().axis_names
        ('run',)
    """
    return jax.make_mesh((jax.device_count(),), (RUN,), axis_types=(AxisType.Auto,))


def placed(by_run: Any) -> Any:
    """Put arrays on the devices, a share of the first axis on each.

    The axis is filled up to a multiple of the devices by repeating its last entry; a reader of results drops the rest.

    Args:
        by_run: Pytree of arrays with equal first axes.

    Example:
        >>> placed(np.arange(3))[:3].tolist()
        [0, 1, 2]
    """
    devices = jax.device_count()
    sharding = NamedSharding(run_mesh(), _along())

    def put(leaf: Any) -> Any:
        return jax.device_put(_filled(leaf, -(-leaf.shape[0] // devices) * devices), sharding)

    return by_run if devices == 1 else jax.tree.map(put, by_run)


def in_shares(function: Callable[[Any], Any], by_run: Any) -> Any:
    """Apply a function to each device's share of the runs; inside a compiled function only.

    What else the function uses, every device has whole; and the result, too, if devices do not divide the runs.

    Args:
        function: From arrays of some runs to arrays of as many; a run's numbers must not depend on other runs.
        by_run: Pytree of arrays with equal first axes.

    Example:
        >>> jax.jit(lambda values: in_shares(lambda share: 2 * share, values))(np.arange(3)).tolist()
        [0, 2, 4]
    """
    count = jax.tree.leaves(by_run)[0].shape[0]
    devices = jax.device_count()
    if devices == 1 or count == 1:
        return function(by_run)
    each = -(-count // devices)
    filled = jax.tree.map(lambda leaf: _filled(leaf, each * devices), by_run)
    spread = jax.shard_map(function, mesh=run_mesh(), in_specs=_along(), out_specs=_along(), check_vma=False)(filled)
    return spread if each * devices == count else jax.tree.map(lambda leaf: leaf[:count], spread)


def on_host(tree: Any) -> Any:
    """Bring arrays to this process as numpy arrays, whole, wherever their shares lie."""
    if jax.process_count() == 1:
        return jax.tree.map(np.asarray, tree)
    return multihost_utils.process_allgather(tree, tiled=True)


def _along() -> PartitionSpec:
    return PartitionSpec(RUN)  # type: ignore[no-untyped-call]


def _filled(leaf: Any, length: int) -> Any:
    """Repeat the last entry until the first axis is as long."""
    count = leaf.shape[0]
    return leaf if count == length else leaf[np.minimum(np.arange(length), count - 1)]
