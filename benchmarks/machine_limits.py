"""Limits of a machine: bytes and floating-point operations per second, measured now and from the data sheet.

A copy of an array too large for any cache gives the memory's bandwidth, an array that stays in cache is read and
written again and again for the cache's, and a product of square matrices gives the arithmetic limit. The figures of
known GPUs are the makers': dense, without sparsity, and in boost.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.conftest import wait_for


class Sheet(NamedTuple):
    """A data sheet.

    Attributes:
        bandwidth: Bytes a second to and from the memory.
        single: Operations a second in single precision, outside tensor cores.
        double: The same in double precision; products of matrices may run on tensor cores, at twice this rate.
        half: In bfloat16, on tensor cores.
        memory: Bytes of memory.
    """

    bandwidth: float
    single: float
    double: float
    half: float
    memory: float


SHEETS = {
    "H200": Sheet(4.8e12, 67e12, 34e12, 989e12, 141e9),
    "H100": Sheet(3.35e12, 67e12, 34e12, 989e12, 80e9),
    "A100": Sheet(2.039e12, 19.5e12, 9.7e12, 312e12, 80e9),
}
"""NVIDIA's data sheets of the SXM modules, by a word in the device's name."""


class Limits(NamedTuple):
    """Measured limits of a device.

    Attributes:
        device: Its name.
        copy: Bytes a second, read and written, of an array that no cache holds.
        cache: The same of one that stays in cache.
        single: Operations a second of a matrix product in single precision.
        double: In double precision.
        sheet: The data sheet, where the device is known.
    """

    device: str
    copy: float
    cache: float
    single: float
    double: float
    sheet: Sheet | None

    def arithmetic(self, dtype: str) -> float:
        """Return the operations per second in a precision."""
        return self.double if dtype == "float64" else self.single


Clock = Callable[[], float]

CLOCKS: dict[str, Clock] = {"wall": time.perf_counter, "processor": time.process_time}
"""Clocks by name; the processor's is for one core of a machine that is not idle, and is no measure of a GPU."""


def best_seconds(program: Callable[[], Any], rounds: int, clock: Clock = time.perf_counter) -> float:
    """Return the seconds of the fastest round, without a first one that compiles."""
    wait_for(program())
    spent = []
    for _ in range(rounds):
        began = clock()
        wait_for(program())
        spent.append(clock() - began)
    return min(spent)


def measured_limits(small: bool = False, clock: Clock = time.perf_counter) -> Limits:
    """Measure this process's first device.

    Args:
        small: Whether to take seconds instead of tens of seconds.
        clock: Clock.
    """
    device = jax.devices()[0]
    on_cpu = device.platform == "cpu"
    name = str(device.device_kind)
    sheet = next((stated for word, stated in SHEETS.items() if word in name), None)
    size = 1_024 if on_cpu and small else 2_048 if on_cpu else 8_192
    with jax.enable_x64(True):
        single, double = (_product(size, dtype, clock) for dtype in (np.float32, np.float64))
    large = (1 << 25) if on_cpu else (1 << 29)
    return Limits(name, _copy(large, clock), _in_cache(1 << 16 if on_cpu else 1 << 22, clock), single, double, sheet)


def _copy(length: int, clock: Clock) -> float:
    """Measure the copy bandwidth for an array of this length in single precision."""
    array = jnp.zeros(length, np.float32)
    copied = jax.jit(lambda values: values + 1)
    return 2 * array.nbytes / best_seconds(lambda: copied(array), 10, clock)


def _in_cache(length: int, clock: Clock, times: int = 200) -> float:
    array = jnp.ones(length, np.float32)
    repeated = jax.jit(lambda values: jax.lax.fori_loop(0, times, lambda _, x: 1 - 0.5 * x, values))
    return 2 * times * array.nbytes / best_seconds(lambda: repeated(array), 10, clock)


def _product(size: int, dtype: type, clock: Clock) -> float:
    matrix = jnp.ones((size, size), dtype)
    product = jax.jit(lambda values: jnp.matmul(values, values, precision="highest"))
    return 2 * size**3 / best_seconds(lambda: product(matrix), 5, clock)
