r"""Summaries of exact posteriors for any number of runs, in bounded memory.

A table of p(θ_k | D_r) for R = 10⁶ runs and K = 10⁴ hypotheses has 80 GB in double precision. Here only a block of B
runs × P hypotheses is in memory at any time (`inference.discrete.online`). Each device needs this number of bytes:

    8 B P  +  8 P (cells)  +  8 C (plays + values + draws + 5)  +  the hypotheses themselves

where C is the number of runs at once. The number does not depend on R, and hardly on K. Cells are the offers and
answers that occur, at most about 11,000 at stakes up to 100. The result has a few numbers for each run.

All blocks have the same shape (the last is padded), and each block is an iteration of the same loop. So a run's numbers
do not depend on the number of runs at once, on the devices, or on other runs.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key
from numpy.typing import ArrayLike

from envs.devices import in_shares, on_host, placed
from envs.seeds import keys_of_runs
from envs.ultimatum import NUM_OFFERS, offered_share
from inference.discrete.cells import Cells
from inference.discrete.chunks import Chunk, PolicyChunks, fold_chunks
from inference.discrete.evidence import Evidence
from inference.discrete.hypotheses import Hypotheses
from inference.discrete.likelihood import add_rows, distinct, play_codes, table_rows, used_rows
from inference.discrete.online import Moments, Running, add_hypotheses, empty_sums, moments

RUNS_AT_ONCE = 32_768
"""Runs that each device takes at once."""


class _Sizes(NamedTuple):
    """Runs and hypotheses of a block, which fits into a core's cache or fills a GPU."""

    runs: int
    hypotheses: int


_SIZES = {"cpu": _Sizes(256, 128)}
_OTHERWISE = _Sizes(8_192, 512)
_POSSIBLE = float(
    np.finfo(np.float32).max
)  # nats; larger values also count as impossible in `inference.discrete.exact`
_LEAST_BLOCKS = 2  # blocks on each device; a loop with one iteration would be compiled without a loop


@dataclass(frozen=True)
class PosteriorSummaries:
    """Summaries of the exact posterior of each run.

    Attributes:
        norms: Names along the norm axis.
        log_evidence: log p(D).
        entropy: H(θ | D), in nats.
        most_probable: Index of the MAP hypothesis; the first if tied.
        highest_probability: Its probability.
        norm_probabilities: Expected weight of each norm.
        offered_share: Posterior mean of the policy's mean offered share.
        draws: Independent draws from p(θ | D), by index.
    """

    norms: tuple[str, ...]
    log_evidence: Float[np.ndarray, "run"]
    entropy: Float[np.ndarray, "run"]
    most_probable: Int[np.ndarray, "run"]
    highest_probability: Float[np.ndarray, "run"]
    norm_probabilities: Float[np.ndarray, "run norm"]
    offered_share: Float[np.ndarray, "run"]
    draws: Int[np.ndarray, "run draw"]

    @property
    def runs(self) -> int:
        """Number of runs."""
        return int(self.log_evidence.shape[0])


def summarise_posteriors(
    hypotheses: Hypotheses,
    data: Evidence | Iterable[Evidence],
    prior: ArrayLike | None = None,
    key: Key[Array, ""] | None = None,
    draws: int = 0,
    stake: int = 100,
    runs_at_once: int = RUNS_AT_ONCE,
) -> PosteriorSummaries:
    """Compute the summaries of `stream_posteriors` for many runs at once.

    Args:
        hypotheses: See `stream_posteriors`, also for the other arguments.
        data: Evidence.
        prior: Probabilities of the hypotheses.
        key: Randomness of draws.
        draws: Draws for each run.
        stake: Stake of the offered share.
        runs_at_once: Runs that each device takes at once.

    Example:
        >>> from inference import evidence, named_norms
        >>> seen = evidence([[10, 10]] * 3, [[1, 1], [5, 5], [9, 9]], True)
        >>> summarise_posteriors(named_norms(lapse=(0.01,)), seen).most_probable.tolist()
        [0, 1, 2]
    """
    parts = list(stream_posteriors(hypotheses, data, prior, key, draws, stake, runs_at_once))
    arrays = [field.name for field in fields(PosteriorSummaries) if field.name != "norms"]
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in arrays}
    return PosteriorSummaries(hypotheses.norms, **joined)


def stream_posteriors(
    hypotheses: Hypotheses,
    data: Evidence | Iterable[Evidence],
    prior: ArrayLike | None = None,
    key: Key[Array, ""] | None = None,
    draws: int = 0,
    stake: int = 100,
    runs_at_once: int = RUNS_AT_ONCE,
) -> Iterator[PosteriorSummaries]:
    """Compute summaries of exact posteriors, some runs at a time.

    Args:
        hypotheses: The θ's.
        data: Evidence of all runs, or an iterable of chunks. Chunks with equal numbers of runs and interactions share a
            compiled program, as do all chunks of evidence that is given as a whole.
        prior: Probabilities of the hypotheses, the same for all runs; uniform if not given.
        key: Root of the runs' keys for draws, which depend on the run's index; key 0 if not given.
        draws: Number of draws for each run. They differ from those of `thompson`, which needs a whole posterior.
        stake: Stake of the mean offered share.
        runs_at_once: Runs that each device takes at once.

    Yields:
        Summaries of the next runs.

    Raises:
        ValueError: If the prior does not fit, or a run's evidence has probability 0 under all hypotheses.
    """
    log_prior = _log_prior(prior, hypotheses.size)
    weights = np.asarray(hypotheses.norm_weights(), np.float64)
    root = jax.random.key(0) if key is None else key
    sizes = _SIZES.get(jax.default_backend(), _OTHERWISE)
    step = sizes.runs * jax.device_count()
    at_once = max(_LEAST_BLOCKS, runs_at_once // sizes.runs) * step
    known = _all_codes(data, at_once) if isinstance(data, Evidence) else np.zeros(0, np.int64)
    first, length = 0, _LEAST_BLOCKS * step
    for some in _cut([data] if isinstance(data, Evidence) else data, at_once):
        length = max(length, -(-some.runs // step) * step)
        codes, code = distinct(play_codes(some))
        known = np.union1d(known, codes)
        table = table_rows(known)
        place = np.searchsorted(known, codes)[code]
        rows = [
            _filled_up(row[place], length, unseen)
            for row, unseen in ((table.offer, table.offers), (table.answer, table.answers))
        ]
        used = (np.array(table.offers), np.array(table.answers))
        numbers = np.arange(first, first + length)
        with jax.enable_x64(True):
            by_run = placed((*rows, numbers))
            moments = _summarise(
                hypotheses, log_prior, weights, table.cells, used, by_run, root, np.array(stake), draws, sizes
            )
            of_runs: Moments = jax.tree.map(lambda leaf, runs=some.runs: leaf[:runs], on_host(moments))
        yield _summaries(hypotheses, of_runs, first)
        first += some.runs


@functools.partial(jax.jit, static_argnames=("draws", "sizes"))
def _summarise(
    hypotheses: Hypotheses,
    log_prior: Float[Array, "hypothesis"],
    norm_weights: Float[Array, "hypothesis norm"],
    cells: Cells,
    used: tuple[Int[Array, ""], Int[Array, ""]],
    by_run: tuple[Int[Array, "run play"], Int[Array, "run play"], Int[Array, "run"]],
    key: Key[Array, ""],
    stake: Int[Array, ""],
    draws: int,
    sizes: _Sizes,
) -> Moments:
    """Compiled program: every device loops over chunks of hypotheses and, for each chunk, blocks of runs."""
    hypotheses = jax.tree.map(lambda leaf: leaf.astype(np.float64), hypotheses)
    shares = offered_share(jnp.arange(NUM_OFFERS), jnp.broadcast_to(stake, NUM_OFFERS))

    def share_of_runs(own: Any) -> Moments:
        offer, answer, number = (leaf.reshape(-1, sizes.runs, *leaf.shape[1:]) for leaf in own)
        running = empty_sums(number.shape, norm_weights.shape[1] + 1, draws)

        def of_chunk(running: Running, policies: PolicyChunks, chunk: Chunk) -> Running:
            table = policies.at_cells(cells)
            offers, answers = used_rows(table.offer, used[0]), used_rows(table.answer, used[1])
            mean_share = jnp.exp(policies.table(stake[None]).offer[0]) @ shares
            values = jnp.concatenate([chunk.norm_weights, mean_share[:, None]], axis=1)

            def of_block(block: Any) -> Running:
                running, offer, answer, number = block
                joint = jnp.broadcast_to(chunk.log_prior, (sizes.runs, chunk.log_prior.shape[0]))
                joint = add_rows(add_rows(joint, offers, offer), answers, answer)
                return add_hypotheses(
                    running, joint, chunk.which, values, _uniform(keys_of_runs(key, number), chunk.number, draws)
                )

            after: Running = jax.lax.map(of_block, (running, offer, answer, number))
            return after

        running = fold_chunks(of_chunk, running, hypotheses, log_prior, norm_weights, sizes.hypotheses)
        known: Moments = jax.vmap(moments)(running)
        return Moments(*(leaf.reshape(own[2].size, *leaf.shape[2:]) for leaf in known))

    summed: Moments = in_shares(share_of_runs, by_run)
    return summed


def _uniform(keys: Key[Array, "run"], chunk: Int[Array, ""], draws: int) -> Float[Array, "run draw"]:
    """Uniform numbers for a chunk of hypotheses, from each run's key."""
    if not draws:
        return jnp.zeros((keys.shape[0], 0))
    return jax.vmap(lambda key: jax.random.uniform(jax.random.fold_in(key, chunk), (draws,), np.float64))(keys)


def _log_prior(prior: ArrayLike | None, size: int) -> Float[np.ndarray, "hypothesis"]:
    probabilities = np.full(size, 1 / size) if prior is None else np.asarray(prior, np.float64)
    if probabilities.shape != (size,):
        raise ValueError(f"prior: shape {probabilities.shape} does not fit {size} hypotheses")
    total = probabilities.sum()
    if not np.isfinite(total) or (probabilities < 0).any() or total <= 0:
        raise ValueError("prior: probabilities must be 0 or more, and some above 0")
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(probabilities / total))


def _cut(data: Iterable[Evidence], runs: int) -> Iterator[Evidence]:
    for chunk in data:
        for first in range(0, chunk.runs, runs):
            yield Evidence(*(column[first : first + runs] for column in chunk))


def _all_codes(data: Evidence, at_once: int) -> Int[np.ndarray, "code"]:
    """Codes of all interactions that occur, so one table serves all chunks."""
    codes = np.zeros(0, np.int64)
    for some in _cut([data], at_once):
        codes = np.union1d(codes, distinct(play_codes(some))[0])
    return codes


def _filled_up(rows: Int[np.ndarray, "run play"], length: int, unseen: int) -> Int[np.ndarray, "more play"]:
    """Pad with runs without evidence."""
    return np.pad(rows, ((0, length - len(rows)), (0, 0)), constant_values=unseen)


def _summaries(hypotheses: Hypotheses, moments: Moments, first: int) -> PosteriorSummaries:
    refuted = np.flatnonzero(~(moments.log_evidence >= -_POSSIBLE))
    if refuted.size:
        raise ValueError(
            f"data: run {first + refuted[0]} has probability 0 under every hypothesis with prior probability above 0; "
            "give the hypotheses a lapse above 0"
        )
    return PosteriorSummaries(
        hypotheses.norms,
        np.asarray(moments.log_evidence),
        np.asarray(moments.entropy),
        np.asarray(moments.most_probable),
        np.asarray(moments.highest_probability),
        np.asarray(moments.values[:, :-1]),
        np.asarray(moments.values[:, -1]),
        np.asarray(moments.draws),
    )
