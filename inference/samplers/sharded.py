"""The same program on every device, each with its share of the runs.

Chaotic computations, such as a sampler's chains, are spread this way and not as one program over a mesh
(`envs.devices.in_shares`). Partitioning a program changes the order of XLA's passes and thereby last digits, which
chains amplify. Here each device runs exactly the program of a single device. The program is compiled for each device in
parallel; with JAX's compilation cache, GPUs compile it once.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from envs.devices import on_host


def share_out(program: Callable[[Any], Any], by_run: Any) -> Any:
    """Call a compiled program on each device with its share of the runs, and collect the results.

    Threads call the devices, so a surrounding `jax.enable_x64` has no effect.

    Args:
        program: Function from arrays of some runs to arrays of the same runs.
        by_run: Pytree of arrays with equal first axes.

    Returns:
        Results of all runs, in every process.

    Example:
        >>> share_out(jax.jit(lambda values: 2 * values), np.arange(3)).tolist()
        [0, 2, 4]
    """
    count = jax.tree.leaves(by_run)[0].shape[0]
    everywhere = jax.devices()
    each = -(-count // len(everywhere))
    if len(everywhere) == 1 or count == 1:
        return program(by_run)
    shares = len(everywhere) if jax.process_count() > 1 else -(-count // each)
    mine = [n for n, device in enumerate(everywhere[:shares]) if device.process_index == jax.process_index()]

    def call(number: int) -> Any:
        which = np.minimum(np.arange(number * each, (number + 1) * each), count - 1)
        return program(jax.device_put(jax.tree.map(lambda leaf: leaf[which], by_run), everywhere[number]))

    first = call(mine[0])  # traced once, before the others
    with ThreadPoolExecutor(len(mine)) as pool:
        results = [first, *pool.map(call, mine[1:])]
    return jax.tree.map(lambda *parts: _joined(parts, everywhere[mine[0]])[:count], *results)


def _joined(parts: tuple[Array, ...], device: jax.Device) -> Array:
    """Concatenate the shares of all devices of all hosts."""
    own = jnp.concatenate([jax.device_put(part, device) for part in parts])
    if jax.process_count() == 1:
        return own
    if jnp.issubdtype(own.dtype, jax.dtypes.prng_key):
        keys: Array = jax.random.wrap_key_data(jnp.asarray(on_host(jax.random.key_data(own))))
        return keys
    return jnp.asarray(on_host(own))
