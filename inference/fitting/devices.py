"""Work spread over devices, each of which does its share by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.sharding import PartitionSpec

_TOGETHER_ON_GPU = 64


def over_devices(function: Callable[[Any], Any], entries: Any, axis: str) -> Any:
    """Apply a function to each entry along the leading axis: over devices side by side, in sequence on each.

    Devices do not wait for each other, and in sequence no entry waits for another whose trees are deeper, as it would
    under `vmap`; on a GPU some entries at a time are stepped together. Inside a compiled function only.

    Args:
        function: Of one entry.
        entries: Pytree of arrays with equal leading axes.
        axis: Name of that axis.
    """
    count = jax.tree.leaves(entries)[0].shape[0]
    devices = jax.device_count()

    def some(part: Any) -> Any:
        return jax.lax.map(function, part, batch_size=None if jax.default_backend() == "cpu" else _TOGETHER_ON_GPU)

    if devices == 1 or count == 1 or _inside_shards():
        return some(entries)
    each = -(-count // devices)
    filled = jax.tree.map(lambda leaf: leaf[jnp.minimum(jnp.arange(each * devices), count - 1)], entries)
    mesh = jax.make_mesh((devices,), (axis,), axis_types=(jax.sharding.AxisType.Auto,))
    along = PartitionSpec(axis)  # type: ignore[no-untyped-call]
    spread = jax.shard_map(some, mesh=mesh, in_specs=along, out_specs=along, check_vma=False)
    return jax.tree.map(lambda leaf: leaf[:count], spread(filled))


def _inside_shards() -> bool:
    """Whether this code is already one device's share."""
    return bool(jax.sharding.get_abstract_mesh().manual_axes)
