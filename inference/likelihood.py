r"""Log-likelihoods of many runs at once, and the update that turns them into posteriors.

For run r with plays i, p(D_r | θ) = Π_i π_θ(offer_i | stake_i)^{offer seen} P_θ(answer_i | offer_i)^{answer seen}.
Runs share their (stake, offer, answer) cells, so the work is split in two: the log-probability of every cell that
occurs, under every hypothesis, once; then, for each run, the sum of its cells' rows.

Sums are compensated (Knuth's two-sum carries the rounding error along) and centred before they are rounded, so that
single precision gives the posterior of a long run, and updating epoch by epoch gives that of all epochs at once.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from inference.evidence import Evidence
from inference.hypotheses import Cells, Hypotheses

_IMPOSSIBLE = -1e30  # stands for log 0 in sums: finite, so that two-sum stays exact, and far below any likelihood
_CARRY_ENTRIES = 1 << 15  # runs × hypotheses summed together; twice this many floats stay inside a core's cache


class Rows(NamedTuple):
    """Plays as rows of a table of cells.

    Attributes:
        cells: Distinct (stake, offer) pairs.
        kind: For each distinct row: bit 0, the offer is evidence; bit 1, the answer is; bit 2, it was to accept.
        cell: For each distinct row, its (stake, offer) pair.
        row: Row of each play; one past the last row where nothing was seen.
    """

    cells: Cells
    kind: Int[Array, "row"]
    cell: Int[Array, "row"]
    row: Int[Array, "run play"]


def rows_of(data: Evidence) -> Rows:
    """Find the distinct rows and cells of the evidence.

    Their numbers are rounded up to the next power of two, by repeating the last, so that data of about the same size
    reuse one compiled program.
    """
    kind = data.offer_seen * 1 + data.answer_seen * 2 + (data.answer_seen & data.accepted) * 4
    described = np.stack([data.stake, data.offer, kind], axis=-1).reshape(-1, 3)
    distinct, row = np.unique(described, axis=0, return_inverse=True)
    seen = distinct[:, 2] > 0
    number = np.where(seen, np.cumsum(seen) - 1, -1)
    distinct = distinct[seen] if seen.any() else distinct[:1]
    rows = _round_up(len(distinct))
    number = np.where(number < 0, rows, number)
    distinct = _pad(distinct, rows)
    pairs, cell = np.unique(distinct[:, :2], axis=0, return_inverse=True)
    pairs = _pad(pairs, _round_up(len(pairs)))
    stakes, stake_index = np.unique(pairs[:, 0], return_inverse=True)
    stakes = _pad(stakes, _round_up(len(stakes)))
    cells = Cells(jnp.asarray(stakes), jnp.asarray(stake_index), jnp.asarray(pairs[:, 1]))
    return Rows(
        cells,
        jnp.asarray(distinct[:, 2]),
        jnp.asarray(cell),
        jnp.asarray(number[row].reshape(data.stake.shape), jnp.int32),
    )


def row_table(hypotheses: Hypotheses, rows: Rows) -> Float[Array, "row_or_unseen hypothesis"]:
    """Log-probability of every distinct row under every hypothesis; the last row, of nothing seen, is 0."""
    offer, accept, reject = hypotheses.at_cells(rows.cells)
    kind = rows.kind[:, None]
    answer = jnp.where(kind & 4, accept[rows.cell], reject[rows.cell])
    log_prob = jnp.where(kind & 1, offer[rows.cell], 0.0) + jnp.where(kind & 2, answer, 0.0)
    return jnp.pad(jnp.maximum(log_prob, _IMPOSSIBLE), ((0, 1), (0, 0)))


class Update(NamedTuple):
    """What an exact update returns.

    Attributes:
        log_prob: log p(θ | D), normalised over hypotheses.
        log_evidence: log p(D); −inf where no hypothesis allows the data.
    """

    log_prob: Float[Array, "run hypothesis"]
    log_evidence: Float[Array, "run"]


@jax.jit
def exact_update(hypotheses: Hypotheses, rows: Rows, log_prior: Float[Array, "run hypothesis"]) -> Update:
    """Compute p(θ | D) ∝ p(D | θ) p(θ) for all runs, as one compiled contraction.

    Args:
        hypotheses: The θ's.
        rows: Evidence as rows (see `rows_of`).
        log_prior: log p(θ), a row for each run.
    """
    table = row_table(hypotheses, rows)
    runs, size = log_prior.shape
    together = max(1, min(runs, _CARRY_ENTRIES // size))
    return jax.lax.map(lambda run: _update_one(table, run[0], run[1]), (rows.row, log_prior), batch_size=together)


def _update_one(
    table: Float[Array, "row_or_unseen hypothesis"],
    row: Int[Array, "play"],
    log_prior: Float[Array, "hypothesis"],
) -> Update:
    def add(
        total: tuple[Float[Array, "hypothesis"], Float[Array, "hypothesis"]], index: Array
    ) -> tuple[tuple[Array, Array], None]:
        high, low = total
        term = table[index]
        summed = high + term
        virtual = summed - high
        error = (high - (summed - virtual)) + (term - virtual)
        return (summed, low + error), None

    zeros = jnp.zeros_like(log_prior)
    (high, low), _ = jax.lax.scan(add, (zeros, zeros), row)
    best = jnp.argmax(high)
    centred = (high - high[best]) + (low - low[best])
    joint = jnp.where(centred < _IMPOSSIBLE / 2, -jnp.inf, centred) + log_prior
    log_total = jax.nn.logsumexp(joint)
    possible = high[best] > _IMPOSSIBLE / 2
    log_evidence = jnp.where(possible, high[best] + low[best] + log_total, -jnp.inf)
    return Update(joint - log_total, log_evidence)


def _round_up(count: int) -> int:
    return 1 << max(count - 1, 0).bit_length()


def _pad(array: np.ndarray, length: int) -> np.ndarray:
    return np.concatenate([array, np.repeat(array[-1:], length - len(array), axis=0)])
