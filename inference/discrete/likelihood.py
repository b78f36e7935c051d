r"""Log-likelihoods of many runs at once, and the exact update of posteriors.

For run r with plays i, p(D_r | θ) = Π_i π_θ(offer_i | stake_i)^{offer seen} P_θ(answer_i | offer_i)^{answer seen}. Runs
share offers and answers, so there are two steps. First, the log-probability of every offer and answer that occurs is
computed once under every hypothesis. Then each run sums the entries of its interactions.

Both steps are in double precision, independent of JAX's setting. In single precision a log-probability of −200 has an
error of 8e-6, and 500 such interactions multiply the error by 500. Posteriors are returned in single precision together
with their rounding error. So updates by epoch give the same posterior as all epochs at once.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Shaped

from envs.devices import in_shares, on_host
from envs.ultimatum import NUM_OFFERS
from inference.discrete.cells import CellLogProbs, Cells, ShareCells, rows_at
from inference.discrete.evidence import Evidence
from inference.discrete.hypotheses import Hypotheses, InChunks

_PLAYS_AT_ONCE = 10  # interactions added in one pass over the running totals; more are no faster
_KINDS = 8  # kinds of evidence of an interaction, as three bits
_LARGEST_LOOKUP = 1 << 22  # codes up to this size are found by marking them in a table, larger ones by sorting
_STAKES, _SHARES, _ROWS = 16, 256, 128  # smallest lengths of arrays; shorter ones would save almost no work

# Index of the share of each stake up to 100 and offer; 5 of 10 and 50 of 100 have the same. IEEE division rounds
# correctly, so equal fractions are equal floats.
_SMALL_STAKES = np.maximum(np.arange(NUM_OFFERS), 1)[:, None]
_SHARE_NUMBER = np.unique(np.arange(NUM_OFFERS) / _SMALL_STAKES, return_inverse=True)[1].reshape(-1, NUM_OFFERS)


class Rows(NamedTuple):
    """Interactions as rows of two tables, of offers and of answers.

    Attributes:
        cells: Offers and answers of the tables' rows.
        offers: Number of distinct offers; the table's rows from here on are padding.
        answers: Number of distinct answers; the table's rows from here on are padding.
        offer: Row of each interaction's offer; `offers` if it was not seen.
        answer: Row of each interaction's answer; `answers` if it was not seen.
    """

    cells: Cells
    offers: Int[np.ndarray, ""]
    answers: Int[np.ndarray, ""]
    offer: Int[Array | np.ndarray, "run play"]
    answer: Int[Array | np.ndarray, "run play"]


def rows_of(data: Evidence) -> Rows:
    """Find the offers and answers that occur, and their rows for each interaction.

    Numbers of rows are rounded up by repeating the last entry, so data of similar size reuse one compiled program.

    Example:
        >>> from inference.discrete.evidence import evidence
        >>> rows = rows_of(evidence([10, 20, 10], [5, 10, 5], [True, False, True]))
        >>> rows.offer.tolist(), rows.answer.tolist()
        ([[0, 1, 0]], [[1, 0, 1]])
    """
    table, code = distinct(play_codes(data))
    cells, offers, answers, offer_row, answer_row = table_rows(table)
    return Rows(cells, np.array(offers), np.array(answers), offer_row[code], answer_row[code])


def play_codes(data: Evidence) -> Int[np.ndarray, "run play"]:
    """Code of each interaction; interactions with the same evidence have the same code."""
    kind = data.offer_seen.view(np.uint8) + 2 * data.answer_seen.view(np.uint8) + 4 * data.accepted.view(np.uint8)
    return np.asarray((data.stake.astype(np.int64) * NUM_OFFERS + data.offer) * _KINDS + kind)


class TableRows(NamedTuple):
    """Tables for a list of distinct interactions, and the rows of each interaction.

    Attributes:
        cells: See `Rows`, also for the other attributes.
        offers: Number of distinct offers.
        answers: Number of distinct answers.
        offer: Row of each interaction's offer.
        answer: Row of each interaction's answer.
    """

    cells: Cells
    offers: int
    answers: int
    offer: Int[np.ndarray, "code"]
    answer: Int[np.ndarray, "code"]


def table_rows(codes: Int[np.ndarray, "code"]) -> TableRows:
    """Make the tables for interactions that are given by their distinct codes (see `play_codes`)."""
    pair, kind = np.divmod(codes, _KINDS)
    offer_seen, answer_seen = kind & 1 > 0, kind & 2 > 0

    pairs, which_offer = distinct(pair[offer_seen])
    stake, seen_offer = np.divmod(pairs, NUM_OFFERS)
    stakes, seen_stake = distinct(stake)
    stakes = _padded(stakes, _STAKES)
    every_stake = np.repeat(stakes, NUM_OFFERS)
    every_offer = np.minimum(np.tile(np.arange(NUM_OFFERS), len(stakes)), every_stake)
    example, legal_index = _examples(_share_code(every_stake, every_offer))
    legal = ShareCells(_padded(every_stake[example], _SHARES), _padded(every_offer[example], _SHARES))

    stake, offer = np.divmod(pair[answer_seen], NUM_OFFERS)
    accepted = kind[answer_seen] & 4 > 0
    example_answer, which_answer = _examples(2 * _share_code(stake, offer) + accepted)
    answered = ShareCells(_padded(stake[example_answer], _ROWS), _padded(offer[example_answer], _ROWS))

    cells = Cells(
        stakes,
        legal,
        legal_index.reshape(-1, NUM_OFFERS),
        _padded(seen_stake, _ROWS, empty=0),
        _padded(seen_offer, _ROWS),
        answered,
        _padded(accepted[example_answer], _ROWS),
    )
    offers, answers = len(pairs), len(example_answer)
    offer_row, answer_row = np.full(len(codes), offers, np.int32), np.full(len(codes), answers, np.int32)
    offer_row[offer_seen] = which_offer
    answer_row[answer_seen] = which_answer
    return TableRows(cells, offers, answers, offer_row, answer_row)


def _share_code(stake: Int[np.ndarray, "pair"], offer: Int[np.ndarray, "pair"]) -> Int[np.ndarray, "pair"]:
    """Code of the share of each pair (stake, offer); pairs with stakes above 100 have separate codes."""
    small = stake < NUM_OFFERS
    shared = _SHARE_NUMBER[np.where(small, stake, 0), offer]
    return np.asarray(np.where(small, shared, (stake + 1) * NUM_OFFERS + offer))


def _examples(codes: Int[np.ndarray, "code"]) -> tuple[Int[np.ndarray, "distinct"], Int[np.ndarray, "code"]]:
    """Index of one occurrence of each distinct code, and index of each code among the distinct ones."""
    kinds, index = distinct(codes)
    example = np.zeros(len(kinds), np.int64)
    example[index] = np.arange(len(codes))
    return example, index


def distinct(codes: Int[np.ndarray, "*n"]) -> tuple[Int[np.ndarray, "distinct"], Int[np.ndarray, "*n"]]:
    """Compute ``np.unique(codes, return_inverse=True)`` of nonnegative numbers, without sorting small ones."""
    size = int(codes.max(initial=-1)) + 1
    if size > _LARGEST_LOOKUP:
        return np.unique(codes, return_inverse=True)
    occurs = np.zeros(size, bool)
    occurs[codes] = True
    distinct_codes = np.flatnonzero(occurs)
    place = np.empty(size, np.int32)
    place[distinct_codes] = np.arange(len(distinct_codes), dtype=np.int32)
    return distinct_codes, place[codes]


def _padded(array: Shaped[np.ndarray, "count"], least: int, empty: int = 1) -> Shaped[np.ndarray, "longer"]:
    """Pad with the last entry, at least once, to a length that is a power of two or some eighths of one."""
    power = max(least, 1 << len(array).bit_length())
    step = power if power <= 4 * least else power // 8
    longer = (len(array) // step + 1) * step
    last = array[-1] if len(array) else empty
    return np.concatenate([array, np.full(longer - len(array), last, array.dtype)])


class Update(NamedTuple):
    """Result of an exact update.

    Attributes:
        log_prob: log p(θ | D), normalised over hypotheses.
        rest: Part of `log_prob` lost to rounding to single precision.
        log_evidence: log p(D); −inf if the data have probability 0 under all hypotheses.
    """

    log_prob: Float[Array, "run hypothesis"]
    rest: Float[Array, "run hypothesis"]
    log_evidence: Float[Array, "run"]


class LogPrior(NamedTuple):
    """log p(θ), with one row or a row for each run, in two parts that are added in double precision."""

    log_prob: Float[Array | np.ndarray, "#run hypothesis"]
    rest: Float[Array | np.ndarray, "#run #hypothesis"]


def exact_update(hypotheses: Hypotheses, rows: Rows, log_prior: LogPrior) -> Update:
    """Compute p(θ | D) ∝ p(D | θ) p(θ) for all runs, as one compiled contraction.

    Args:
        hypotheses: The θ's.
        rows: Evidence as rows (see `rows_of`).
        log_prior: See `LogPrior`.
    """
    with jax.enable_x64(True):
        updated: Update = update_program(hypotheses, rows, log_prior)
        return updated if jax.process_count() == 1 else jax.tree.map(jnp.asarray, on_host(updated))


@jax.jit
def update_program(hypotheses: Hypotheses, rows: Rows, log_prior: LogPrior) -> Update:
    """Compiled update, in which every device updates its share of the runs."""
    hypotheses, log_prior = jax.tree.map(lambda leaf: leaf.astype(np.float64), (hypotheses, log_prior))
    prior = jnp.broadcast_to(log_prior.log_prob + log_prior.rest, (rows.offer.shape[0], hypotheses.size))

    def share(of_runs: tuple[Array, Array, Array]) -> Update:
        offer, answer, prior = of_runs
        joint = log_likelihood(hypotheses, rows._replace(offer=offer, answer=answer)) + prior
        log_evidence = jax.nn.logsumexp(joint, axis=1, keepdims=True)
        log_prob = joint - jnp.where(jnp.isfinite(log_evidence), log_evidence, 0.0)
        single = log_prob.astype(np.float32)
        rest = jnp.where(jnp.isfinite(single), log_prob - single, 0.0).astype(np.float32)
        return Update(single, rest, log_evidence[:, 0].astype(np.float32))

    updated: Update = in_shares(share, (jnp.asarray(rows.offer), jnp.asarray(rows.answer), prior))
    return updated


def log_likelihood(hypotheses: Hypotheses, rows: Rows) -> Float[Array, "run hypothesis"]:
    """Sum the log-probabilities of each run's interactions."""

    def summed(table: CellLogProbs) -> Float[Array, "run hypothesis"]:
        total = jnp.zeros((rows.offer.shape[0], table.offer.shape[1]), table.offer.dtype)
        total = add_rows(total, used_rows(table.offer, rows.offers), rows.offer)
        return add_rows(total, used_rows(table.answer, rows.answers), rows.answer)

    if isinstance(hypotheses, InChunks):
        return hypotheses.over_cells(rows.cells, summed)
    return summed(hypotheses.at_cells(rows.cells))


def used_rows(
    table: Float[Array, "row hypothesis"], used: Int[Array | np.ndarray, ""]
) -> Float[Array, "row hypothesis"]:
    """Set the rows of a table for unseen offers or answers to 0."""
    is_used = jnp.arange(table.shape[0]) < used
    return jnp.where(is_used[:, None], table, 0.0)


def add_rows(
    total: Float[Array, "run hypothesis"],
    table: Float[Array, "row hypothesis"],
    row: Int[Array | np.ndarray, "run play"],
) -> Float[Array, "run hypothesis"]:
    """Add the table's row of each interaction."""

    def add(so_far: Array, row_of_runs: Array) -> tuple[Array, None]:
        return so_far + rows_at(table, row_of_runs), None

    return jax.lax.scan(add, total, jnp.asarray(row).T, unroll=_PLAYS_AT_ONCE)[0]
