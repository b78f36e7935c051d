"""Sampling in chunks, with progress after each chunk and a file from which an interrupted run resumes.

An interruption does not change the numbers, because each chunk starts from the exact final state of the previous one.
"""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from inference.continuous.family import HypothesisFamily, Seen
from inference.samplers.compiled import program
from inference.samplers.fit import Fit
from inference.samplers.nuts import Nuts
from inference.samplers.runs import one_by_one
from inference.samplers.sharded import share_out
from inference.samplers.target import Target

OnSteps = Callable[[int, int], None]
"""Function called with the number of steps done and the total number of steps."""

_CHUNKS = 20


def run_in_chunks(
    method: Nuts,
    family: HypothesisFamily,
    keys: Key[Array, "run"],
    seen: Seen,
    on_steps: OnSteps | None = None,
    checkpoint: Path | None = None,
) -> Fit:
    """Run all chains of all runs, some steps at a time.

    Args:
        method: The sampler.
        family: The hypotheses.
        keys: Key of each run.
        seen: Observations of each run.
        on_steps: Called after each chunk.
        checkpoint: File with the state and the draws so far; it is never removed.

    Raises:
        ValueError: If the file belongs to another run.
    """
    state, steps, done = started(method, family, keys, seen), None, 0
    mark = _mark(method, family, keys, seen)
    if checkpoint is not None and checkpoint.exists():
        state, steps, done = _read(checkpoint, mark, state)
    chunk = max(1, method.steps // _CHUNKS)
    while done < method.steps:
        count = min(chunk, method.steps - done)
        state, new = _advance(method, family, state, seen, count)
        new = jax.tree.map(np.asarray, new)
        steps = new if steps is None else {n: np.concatenate([steps[n], new[n]], axis=2) for n in steps}
        done += count
        if checkpoint is not None:
            _write(checkpoint, mark, state, steps)
        if on_steps is not None:
            on_steps(done, method.steps)
    fit: Fit = _gathered(method, family, keys, seen, steps)
    return fit


@program("method", "family")
def started(method: Nuts, family: HypothesisFamily, keys: Key[Array, "run"], seen: Seen) -> Any:
    """Start all chains of all runs at draws from the prior."""

    def run(key: Key[Array, ""], own: Seen) -> Any:
        key_chains, _ = jax.random.split(key)
        target = Target(family, family.summarise(own))
        return jax.vmap(lambda k: method.start(k, target))(jax.random.split(key_chains, method.chains))

    return jax.vmap(run)(keys, seen)


def _advance(method: Nuts, family: HypothesisFamily, state: Any, seen: Seen, count: int) -> tuple[Any, Any]:
    """Take steps of all chains of all runs; if devices would be idle, every chain counts as a run."""
    runs, chains = state.potential_energy.shape[:2]
    apart = runs < jax.device_count() and method.in_sequence and method.chain_method != "sequential"
    if apart:
        state = jax.tree.map(lambda leaf: leaf.reshape(runs * chains, 1, *leaf.shape[2:]), state)
        seen = jax.tree.map(lambda leaf: jnp.repeat(leaf, chains, axis=0), seen)
    advanced: tuple[Any, Any] = share_out(
        lambda own: advance_share(method, family, own[0], own[1], count), (state, seen)
    )
    if apart:
        advanced = jax.tree.map(lambda leaf: leaf.reshape(runs, chains, *leaf.shape[2:]), advanced)
    return advanced


@program("method", "family", "count")
def advance_share(method: Nuts, family: HypothesisFamily, state: Any, seen: Seen, count: int) -> tuple[Any, Any]:
    """Take steps of all chains of some runs on one device."""

    def run(entry: tuple[Any, Seen]) -> tuple[Any, Any]:
        of_chains, own = entry
        target = Target(family, family.summarise(own))
        state, steps = method.over_chains(lambda one: method.advance(one, target, count), of_chains)
        return state, steps

    advanced: tuple[Any, Any] = one_by_one(run, (state, seen))
    return advanced


@program("method", "family")
def _gathered(method: Nuts, family: HypothesisFamily, keys: Key[Array, "run"], seen: Seen, steps: Any) -> Fit:
    def run(entry: tuple[Key[Array, ""], Seen, Any]) -> Fit:
        key, own, of_run = entry
        _, key_modes = jax.random.split(key)
        return method.gather(key_modes, Target(family, family.summarise(own)), of_run)

    fit: Fit = one_by_one(run, (keys, seen, steps))
    return fit


def _mark(method: Nuts, family: HypothesisFamily, keys: Key[Array, "run"], seen: Seen) -> str:
    """Hash of everything that determines the numbers."""
    digest = hashlib.sha256(f"{method!r} {family!r}".encode())
    for leaf in jax.tree.leaves((jax.random.key_data(keys), seen)):
        digest.update(np.ascontiguousarray(leaf).tobytes())
    return digest.hexdigest()


def _plain(leaf: Array) -> np.ndarray:
    is_key = jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
    return np.asarray(jax.random.key_data(leaf) if is_key else leaf)


def _write(file: Path, mark: str, state: Any, steps: dict[str, np.ndarray]) -> None:
    """Write the file atomically; if there are several hosts, the first one writes."""
    arrays = {f"state_{n}": _plain(leaf) for n, leaf in enumerate(jax.tree.leaves(state))}
    arrays |= {f"steps_{name}": values for name, values in steps.items()}
    if jax.process_index() > 0:
        return
    partial = file.with_name(f".{file.name}.partial")
    with partial.open("wb") as out:
        np.savez(out, mark=np.array(mark), **arrays)  # type: ignore[arg-type]
        out.flush()
        os.fsync(out.fileno())
    partial.replace(file)


def _read(file: Path, mark: str, like: Any) -> tuple[Any, dict[str, np.ndarray], int]:
    try:
        # If numpy opens a damaged file itself, it does not close it.
        with file.open("rb") as opened, np.load(opened, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as damaged:
        raise ValueError(f"checkpoint: {file} cannot be read; delete it to begin again") from damaged
    if str(arrays.get("mark")) != mark:
        raise ValueError(f"checkpoint: {file} belongs to another run; delete it, or give another file")
    leaves, structure = jax.tree.flatten(like)
    restored = []
    for number, leaf in enumerate(leaves):
        array = jnp.asarray(arrays[f"state_{number}"])
        is_key = jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key)
        restored.append(jax.random.wrap_key_data(array) if is_key else array)
    steps = {name.removeprefix("steps_"): array for name, array in arrays.items() if name.startswith("steps_")}
    return jax.tree.unflatten(structure, restored), steps, steps["u"].shape[2]
