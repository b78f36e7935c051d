"""Devices, and computations spread over them along the axis of runs.

Runs are independent of each other, and so are chains, data sets and environments. Arrays with such a first axis are
split along it. Each device computes its share by the same program, without communication, and the numbers equal those
of a single device. With a single device nothing is split.

After `join_hosts` is called in a process on each machine, the devices of all machines form one set.
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
    """Join the devices of all processes that a scheduler started together; call this before any JAX computation.

    Every process must then run the same computations with the same data, and gets the whole result. JAX reads the
    number of processes and the address of the first one from the scheduler's variables (Slurm, Open MPI, Kubernetes).
    Nothing calls this function automatically.

    If a process sees several GPUs, it takes the one with its own index among the node's processes.

    Raises:
        ValueError: If no scheduler is found.
    """
    # JAX assumes that all processes of a node see the same GPUs; a scheduler with binding shows each only its own.
    shown = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    jax.distributed.initialize(local_device_ids=[0] if shown != [""] and len(shown) == 1 else None)


def run_mesh() -> Mesh:
    """Mesh of all devices, with one axis.

    Example:
        >>> run_mesh().axis_names
        ('run',)
    """
    return jax.make_mesh((jax.device_count(),), (RUN,), axis_types=(AxisType.Auto,))


def placed(by_run: Any) -> Any:
    """Distribute arrays over the devices along the first axis.

    The axis is padded to a multiple of the number of devices by repeating its last entry; readers of results drop the
    padding.

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

    Every device has all other arrays that the function uses. It also has the whole result if the number of devices does
    not divide the number of runs.

    Args:
        function: Function from arrays of some runs to arrays of the same runs; a run's numbers must not depend on other
            runs.
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
    """Collect the shares of arrays from all devices as numpy arrays in this process."""
    if jax.process_count() == 1:
        return jax.tree.map(np.asarray, tree)
    return multihost_utils.process_allgather(tree, tiled=True)


def _along() -> PartitionSpec:
    return PartitionSpec(RUN)  # type: ignore[no-untyped-call]


def _filled(leaf: Any, length: int) -> Any:
    """Pad the first axis to a length by repeating the last entry."""
    count = leaf.shape[0]
    return leaf if count == length else leaf[np.minimum(np.arange(length), count - 1)]
