"""The likelihood's short cuts, compared with a slow, plain version: numpy adds up entries of whole tables."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Float

from inference import Evidence, evidence, infer, named_norms, parameter_grid
from inference.discrete.cells import Cells, Use, in_chunks
from inference.discrete.hypotheses import Hypotheses, PolicyHypotheses
from inference.discrete.likelihood import log_likelihood, rows_of
from inference.discrete.named_families import FAMILIES

LAPSES = ([0.0], [0.0, 0.05], [1.0])
GRID = parameter_grid("fehr_schmidt", {"alpha": (0, 0.5, 3), "beta": (0, 0.4, 0.9)}, rationality=(5.0, 50.0))


def small(name: str, lapse: list[float]) -> Hypotheses:
    """A family, thinned for plain enumeration. At λ = 2,000 exponentials underflow."""
    family = FAMILIES[name].make([20.0, 2000.0], lapse)
    if isinstance(family, PolicyHypotheses) and family.size > 200:
        step = family.size // 150
        return PolicyHypotheses(tuple(jax.tree.map(lambda leaf: leaf[::step], block) for block in family.blocks))
    return family


def random_plays(seed: int, runs: int, plays: int, stakes: tuple[int, int] = (10, 100)) -> Evidence:
    """Interactions with uniform offers; some offers or answers were not seen."""
    rng = np.random.default_rng(seed)
    stake = rng.integers(stakes[0], stakes[1] + 1, (runs, plays))
    offer = rng.integers(0, np.minimum(stake, 100) + 1)
    accepted, offer_seen, answer_seen = (rng.random((3, runs, plays)) < [[[0.5]], [[0.8]], [[0.8]]]).astype(bool)
    return evidence(stake, offer, accepted, offer_seen, answer_seen)


def played(runs: int, plays: int) -> Evidence:
    """Interactions by the grid's own policies, one policy in each run."""
    rng = np.random.default_rng(0)
    stake = np.repeat(rng.integers(10, 101, (runs, plays // 10)), 10, axis=1)
    offer, accepted = np.zeros((runs, plays), int), np.zeros((runs, plays), bool)
    for run in range(runs):
        table = GRID.policy(int(rng.integers(GRID.size))).table(jnp.asarray(stake[run], np.int32))
        offers = np.exp(np.asarray(table.offer, np.float64))
        offer[run] = [rng.choice(101, p=row / row.sum()) for row in offers]
        accepted[run] = rng.random(plays) < np.exp(np.asarray(table.accept))[np.arange(plays), offer[run]]
    return evidence(stake, offer, accepted)


def take(data: Evidence, plays: slice | np.ndarray) -> Evidence:
    return Evidence(*(column[:, plays] for column in data))


def doubled(hypotheses: Hypotheses) -> Hypotheses:
    double: Hypotheses = jax.tree.map(lambda leaf: jnp.asarray(leaf, np.float64), hypotheses)
    return double


def tables(hypotheses: Hypotheses, stakes: np.ndarray) -> list[Float[np.ndarray, "stake hypothesis offer"]]:
    """Whole tables in double precision, as `envs.soft_policy` defines them."""
    with jax.enable_x64(True):
        return [np.asarray(leaf) for leaf in doubled(hypotheses).table(jnp.asarray(stakes, np.int64))]


def plain_log_likelihood(hypotheses: Hypotheses, data: Evidence) -> Float[np.ndarray, "run hypothesis"]:
    """The sum by numpy, from whole tables."""
    stakes, at = np.unique(data.stake, return_inverse=True)
    place = (at.reshape(data.stake.shape), data.offer)
    offer, accept, reject = (np.moveaxis(table, 1, -1)[place] for table in tables(hypotheses, stakes))
    answer = np.where(data.accepted[..., None], accept, reject)
    terms = np.where(data.offer_seen[..., None], offer, 0) + np.where(data.answer_seen[..., None], answer, 0)
    return np.asarray(terms.sum(axis=1))


def plain_posterior(log_likelihood: Float[np.ndarray, "run hypothesis"]) -> Float[np.ndarray, "run hypothesis"]:
    weight = np.exp(log_likelihood - log_likelihood.max(axis=1, keepdims=True))
    return np.asarray(weight / weight.sum(axis=1, keepdims=True))


def close(fast: np.ndarray, plain: np.ndarray) -> None:
    """Check equality to twelve digits, also where both are log 0."""
    np.testing.assert_array_equal(np.isfinite(fast), np.isfinite(plain))
    finite = np.isfinite(plain)
    np.testing.assert_allclose(fast[finite], plain[finite], rtol=1e-12, atol=1e-11)


@pytest.mark.parametrize("lapse", LAPSES, ids=str)
@pytest.mark.parametrize("name", FAMILIES)
def test_cells_are_lookups_in_the_table(name: str, lapse: list[float]) -> None:
    hypotheses = small(name, lapse)
    data = random_plays(seed=1, runs=1, plays=24, stakes=(1, 130))
    rows = rows_of(data)
    offers, accepts, rejects = (np.moveaxis(table, 1, -1) for table in tables(hypotheses, data.stake[0]))
    with jax.enable_x64(True):
        offer, answer = (np.asarray(leaf) for leaf in doubled(hypotheses).at_cells(rows.cells))
    for play in range(24):
        place = (play, data.offer[0, play])
        if data.offer_seen[0, play]:
            close(offer[rows.offer[0, play]], offers[place])
        if data.answer_seen[0, play]:
            close(answer[rows.answer[0, play]], (accepts if data.accepted[0, play] else rejects)[place])


@pytest.mark.parametrize("name", ["named-norms", "norm-mixtures", "fehr-schmidt-grid"])
def test_sums_are_those_of_plain_double_precision(name: str) -> None:
    hypotheses = small(name, [0.0, 0.05])
    data = random_plays(seed=2, runs=3, plays=37)
    with jax.enable_x64(True):
        fast = np.asarray(log_likelihood(doubled(hypotheses), rows_of(data)))
    close(fast, plain_log_likelihood(hypotheses, data))


@pytest.mark.parametrize("plays", [50, 500])
def test_posterior_is_that_of_plain_double_precision(plays: int) -> None:
    data = played(runs=8, plays=plays)
    expected = plain_posterior(plain_log_likelihood(GRID, data))
    assert np.mean(expected.max(axis=1) < 0.999) > 0.01  # some runs have several hypotheses left, so that errors show
    posterior = infer(GRID, data)
    np.testing.assert_allclose(posterior.probabilities, expected, atol=1e-6)
    np.testing.assert_allclose(posterior.probabilities.sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize("plays", [50, 500])
def test_sequential_is_batch(plays: int) -> None:
    data = played(runs=4, plays=plays)
    posterior = infer(GRID, take(data, slice(0, 10)))
    for start in range(10, plays, 10):
        posterior = infer(GRID, take(data, slice(start, start + 10)), prior=posterior)
    batch = infer(GRID, data)
    np.testing.assert_allclose(posterior.probabilities, batch.probabilities, atol=1e-6)
    np.testing.assert_allclose(posterior.log_evidence, batch.log_evidence, rtol=1e-5)


def test_sequential_is_batch_where_evidence_turns() -> None:
    # Ten selfish offers leave altruism with a log-probability near -2,000; ten altruistic ones bring it back.
    norms = named_norms()
    there, back = evidence([37] * 10, [0] * 10, [False] * 10), evidence([37] * 10, [37] * 10, [False] * 10)
    batch = infer(norms, there.followed_by(back)).probabilities
    np.testing.assert_allclose(infer(norms, back, prior=infer(norms, there)).probabilities, batch, atol=1e-6)
    np.testing.assert_allclose(infer(norms, there, prior=infer(norms, back)).probabilities, batch, atol=1e-6)
    np.testing.assert_allclose(batch, plain_posterior(plain_log_likelihood(norms, there.followed_by(back))), atol=1e-6)


def test_order_does_not_matter() -> None:
    data = played(runs=4, plays=200)
    shuffled = take(data, np.random.default_rng(3).permutation(200))
    np.testing.assert_allclose(infer(GRID, data).probabilities, infer(GRID, shuffled).probabilities, atol=1e-6)


def test_runs_do_not_depend_on_each_other() -> None:
    data = random_plays(seed=4, runs=5, plays=20)
    alone = [infer(GRID, Evidence(*(column[[run]] for column in data))).probabilities for run in range(5)]
    np.testing.assert_array_equal(infer(GRID, data).probabilities, np.concatenate(alone))


def test_unseen_plays_change_nothing() -> None:
    data = random_plays(seed=5, runs=2, plays=10)
    nothing = evidence([[0, 500]] * 2, [[-1, 3]] * 2, [[True, False]] * 2, offer_seen=False, answer_seen=False)
    np.testing.assert_array_equal(infer(GRID, data.followed_by(nothing)).probabilities, infer(GRID, data).probabilities)
    np.testing.assert_allclose(infer(GRID, nothing).probabilities, 1 / GRID.size, atol=1e-7)


def test_no_plays_leave_the_prior() -> None:
    empty = Evidence(*(np.zeros((2, 0), kind) for kind in (np.int32, np.int32, bool, bool, bool)))
    np.testing.assert_allclose(infer(named_norms(), empty, prior=[0.2, 0.3, 0.5]).probabilities, [[0.2, 0.3, 0.5]] * 2)


def test_large_stakes_are_found_by_sorting() -> None:
    data = evidence([[1_000_000, 150, 12]], [[50, 25, 6]], [[True, True, False]])
    expected = plain_posterior(plain_log_likelihood(GRID, data))
    np.testing.assert_allclose(infer(GRID, data).probabilities, expected, atol=1e-6)


@functools.partial(jax.tree_util.register_dataclass, data_fields=["blocks"], meta_fields=[])
@dataclass(frozen=True)
class NobodyOffersHalf(PolicyHypotheses):
    """Hypotheses under which an offer of 5 in 10 is impossible."""

    def over_cells(self, cells: Cells, use: Use) -> Float[Array, "*n hypothesis"]:
        table = self.at_cells(cells)
        half = 2 * cells.seen_offer == cells.stake[cells.seen_stake]
        return use(table._replace(offer=jnp.where(half[:, None], -jnp.inf, table.offer)))


def test_impossible_evidence_is_refused_and_named() -> None:
    hypotheses = NobodyOffersHalf(named_norms(lapse=(0.1,)).blocks)
    data = evidence([[10, 10], [10, 10]], [[2, 2], [2, 5]], True)
    with pytest.raises(ValueError, match="run 1 has probability 0"):
        infer(hypotheses, data)
    assert np.isfinite(infer(hypotheses, take(data, slice(0, 1))).log_evidence).all()


def test_a_hypothesis_without_prior_probability_stays_without() -> None:
    data = random_plays(seed=6, runs=2, plays=5)
    posterior = infer(named_norms(lapse=(0.1,)), data, prior=[0.5, 0.0, 0.5])
    assert (posterior.probabilities[:, 1] == 0).all()
    assert (infer(named_norms(lapse=(0.1,)), data, prior=posterior).probabilities[:, 1] == 0).all()


@pytest.mark.parametrize("chunk", [1, 4, 7, 9, 100])
def test_chunks_are_the_whole(chunk: int) -> None:
    first, second = jnp.arange(9.0), jnp.arange(18.0).reshape(9, 2)

    def outer(x: Array, y: Array) -> Array:
        return jnp.arange(3.0)[:, None] * x + y.sum(axis=1)

    np.testing.assert_array_equal(in_chunks(outer, first, second, chunk=chunk), outer(first, second))
