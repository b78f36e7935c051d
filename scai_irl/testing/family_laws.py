"""Laws of families of finitely many hypotheses, under every method for them."""

from __future__ import annotations

import functools
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from inference import METHODS, DiscretePosterior, Evidence, evidence, infer, make_family
from inference.discrete.exact import Prior
from inference.discrete.hypotheses import Hypotheses

# Posteriors are returned in float32, so normalised probabilities are exact to a few units of 6e-8.
CLOSE = 1e-6
_EXAMPLES = range(20)  # number of data sets, of 64 runs each
_KEY = jax.random.key(0)

MANY = 300  # maximum number of hypotheses, for quick tests

# Stakes and offers of the test data: smallest and largest, fair and low, and on the per-cent grid.
_PAIRS = [
    (1, 0),
    (1, 1),
    (10, 1),
    (10, 5),
    (10, 9),
    (33, 16),
    (97, 2),
    (97, 97),
    (100, 40),
    (100, 99),
    (450, 3),
    (450, 60),
]
# Kinds of evidence from one interaction: offer seen, answer seen, accepted.
_SEEN = [(1, 0, 0), (0, 1, 0), (0, 1, 1), (1, 1, 0), (1, 1, 1)]
KINDS = [(*pair, *seen) for pair in _PAIRS for seen in _SEEN]
UNSEEN = len(KINDS)
PLAYS, RUNS = 12, 4


class FamilyContract:
    """Laws of one family, by comparison with plain enumeration in double precision.

    A method for finitely many hypotheses inherits the same laws by a `method` fixture of its own.

    Attributes:
        name: Name in `inference.FAMILIES`.
    """

    name: ClassVar[str]

    @pytest.fixture
    def family_name(self) -> str:
        """Name the family."""
        return self.name

    @pytest.fixture
    def hypotheses(self, family_name: str) -> Hypotheses:
        """Make the hypotheses; lapses prevent that data refute them, and large grids are thinned."""
        return family(family_name)

    @pytest.fixture(params=list(METHODS))
    def method(self, request: pytest.FixtureRequest) -> str:
        """Give each method in turn."""
        chosen: str = request.param
        return chosen

    def test_its_parts_fit_each_other(self, hypotheses: Hypotheses) -> None:
        size, stakes = hypotheses.size, jnp.asarray([1, 10, 450])
        table = hypotheses.table(stakes)
        assert all(leaf.shape == (3, size, 101) for leaf in table)
        chances = np.exp(np.asarray(table.offer, np.float64))
        np.testing.assert_allclose(chances.sum(axis=-1), 1, atol=1e-4)
        np.testing.assert_allclose(hypotheses.norm_weights().sum(axis=1), 1, atol=CLOSE)
        assert all(values.shape == (size,) for values in hypotheses.coordinates().values())
        for index in (0, size - 1):
            stated = hypotheses.policy(index).table(stakes)
            np.testing.assert_allclose(np.exp(stated.offer), np.exp(table.offer[:, index]), atol=1e-5)

    def test_posteriors_normalise(self, hypotheses: Hypotheses, method: str) -> None:
        for seed in _EXAMPLES:
            data = random_evidence(seed)
            probability = posterior_of(hypotheses, method, data).probabilities
            assert probability.shape == (data.runs, hypotheses.size)
            assert (probability >= 0).all()
            np.testing.assert_allclose(probability.sum(axis=1, dtype=np.float64), 1, atol=CLOSE)

    def test_it_is_bayes_rule_by_enumeration(self, family_name: str, method: str) -> None:
        hypotheses = family(family_name)
        for seed in _EXAMPLES:
            data = random_evidence(seed)
            posterior = posterior_of(hypotheses, method, data)
            probability, log_evidence = enumerate_posterior(family_name, data)
            np.testing.assert_allclose(posterior.probabilities, probability, atol=CLOSE)
            np.testing.assert_allclose(posterior.log_evidence, log_evidence, rtol=CLOSE, atol=CLOSE)

    def test_updating_in_sequence_is_updating_at_once(self, hypotheses: Hypotheses, method: str) -> None:
        for seed in _EXAMPLES:
            data = random_evidence(seed)
            first, second = (plays_of(data, plays) for plays in np.split(np.arange(PLAYS), 2))
            in_sequence = posterior_of(hypotheses, method, second, posterior_of(hypotheses, method, first))
            at_once = posterior_of(hypotheses, method, data)
            assert_same(in_sequence, at_once)
            np.testing.assert_allclose(in_sequence.log_evidence, at_once.log_evidence, rtol=CLOSE, atol=CLOSE)

    def test_the_order_of_plays_does_not_matter(self, hypotheses: Hypotheses, method: str) -> None:
        for seed in _EXAMPLES:
            data, order = random_evidence(seed), np.random.default_rng(seed).permutation(PLAYS)
            reordered = posterior_of(hypotheses, method, plays_of(data, order))
            assert_same(reordered, posterior_of(hypotheses, method, data))

    def test_plays_that_were_not_seen_change_nothing(self, hypotheses: Hypotheses, method: str) -> None:
        for seed in _EXAMPLES:
            data, order = random_evidence(seed), np.random.default_rng(seed).permutation(PLAYS)
            hidden, shown = order[: PLAYS // 2], np.sort(order[PLAYS // 2 :])
            offer_seen, answer_seen = data.offer_seen.copy(), data.answer_seen.copy()
            offer_seen[:, hidden] = answer_seen[:, hidden] = False
            with_hidden = data._replace(offer_seen=offer_seen, answer_seen=answer_seen)
            without = posterior_of(hypotheses, method, plays_of(data, shown))
            assert_same(posterior_of(hypotheses, method, with_hidden), without)

    def test_seeing_nothing_leaves_the_prior(self, hypotheses: Hypotheses, method: str) -> None:
        prior = np.random.default_rng(0).dirichlet(np.ones(hypotheses.size))
        nothing = evidence([[5, 5]], [[2, 2]], True, offer_seen=False, answer_seen=False)
        probabilities = posterior_of(hypotheses, method, nothing, prior).probabilities[0]
        np.testing.assert_allclose(probabilities, prior, atol=CLOSE)

    def test_a_prior_may_differ_from_run_to_run(self, family_name: str, method: str) -> None:
        hypotheses = family(family_name)
        data = random_evidence(4)
        prior = np.random.default_rng(1).dirichlet(np.ones(hypotheses.size), data.runs)
        expected, _ = enumerate_posterior(family_name, data, prior)
        probabilities = posterior_of(hypotheses, method, data, prior).probabilities
        np.testing.assert_allclose(probabilities, expected, atol=CLOSE)

    def test_a_run_alone_is_that_run_in_a_batch(self, hypotheses: Hypotheses, method: str) -> None:
        data = random_evidence(5)
        together = posterior_of(hypotheses, method, data).probabilities
        alone = posterior_of(hypotheses, method, runs_of(data, slice(2, 3))).probabilities
        np.testing.assert_allclose(together[2:3], alone, atol=CLOSE)

    def test_long_runs_that_change_their_mind_keep_to_bayes_rule(self, family_name: str, method: str) -> None:
        """In ten epochs log-odds rise to hundreds and return; single precision alone would lose 1e-5."""
        hypotheses = family(family_name)
        mean, generous = KINDS.index((100, 40, 1, 1, 0)), KINDS.index((100, 99, 1, 1, 1))
        data = evidence_of(np.repeat([[mean, generous], [generous, mean]] * (RUNS // 2), 5 * PLAYS, axis=1))
        posterior: DiscretePosterior | None = None
        for plays in np.split(np.arange(10 * PLAYS), 10):
            posterior = posterior_of(hypotheses, method, plays_of(data, plays), posterior)
        expected, _ = enumerate_posterior(family_name, data)
        assert posterior is not None
        np.testing.assert_allclose(posterior.probabilities, expected, atol=CLOSE)


def posterior_of(hypotheses: Hypotheses, method: str, data: Evidence, prior: Prior = None) -> DiscretePosterior:
    """Infer a posterior by the method of that name."""
    return infer(hypotheses, data, prior, _KEY, method)


def assert_same(computed: DiscretePosterior, expected: DiscretePosterior) -> None:
    """Compare probabilities."""
    np.testing.assert_allclose(computed.probabilities, expected.probabilities, atol=CLOSE)


@functools.cache
def family(name: str) -> Hypotheses:
    """Make a family under two settings of λ; lapses prevent that data refute it, and large grids are thinned."""
    hypotheses = make_family(name, [20.0, 60.0], [0.05])
    if hypotheses.size <= 2 * MANY:
        return hypotheses
    thinned: Hypotheses = jax.tree.map(lambda leaf: leaf[:: hypotheses.size // MANY], hypotheses)
    return thinned


def evidence_of(numbers: np.ndarray) -> Evidence:
    """Make evidence from indices in `KINDS`, or `UNSEEN`; further runs repeat one kind throughout.

    With these further runs, all data contain the same kinds of interactions at every index, so one compiled program
    serves all data.
    """
    throughout = np.repeat(np.arange(len(KINDS))[:, None], numbers.shape[1], axis=1)
    kinds = np.array([*KINDS, (7, 3, 0, 0, 0)])[np.concatenate([numbers, throughout])]
    stake, offer, offer_seen, answer_seen, accepted = np.moveaxis(kinds, -1, 0)
    return evidence(stake, offer, accepted, offer_seen, answer_seen)


def random_evidence(seed: int) -> Evidence:
    """Draw interactions of all kinds."""
    return evidence_of(np.random.default_rng(seed).integers(0, UNSEEN + 1, (RUNS, PLAYS)))


def plays_of(data: Evidence, chosen: slice | np.ndarray) -> Evidence:
    """Select some interactions of every run."""
    return Evidence(*(column[:, chosen] for column in data))


def runs_of(data: Evidence, chosen: slice) -> Evidence:
    """Select all interactions of some runs."""
    return Evidence(*(column[chosen] for column in data))


@functools.cache
def _double_table(name: str) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Stakes, and the log-probabilities (stake, hypothesis, offer) of each leaf."""
    stakes = np.unique([pair[0] for pair in _PAIRS] + [7])
    with jax.enable_x64(True):
        double: Hypotheses = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), family(name))
        table = jax.jit(lambda hypotheses, at: hypotheses.table(at))(double, jnp.asarray(stakes))
    return stakes, {leaf: np.asarray(values) for leaf, values in table._asdict().items()}


def enumerate_posterior(name: str, data: Evidence, prior: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Compute p(θ | D) and log p(D) by Bayes' rule in float64, from the family's own table."""
    stakes, table = _double_table(name)
    size = family(name).size
    probability = np.full(size, 1 / size) if prior is None else prior
    joint = np.log(np.broadcast_to(probability, (data.runs, size)))
    for run, play in np.ndindex(*data.stake.shape):
        stake, offer, accepted, offer_seen, answer_seen = (column[run, play] for column in data)
        row = np.searchsorted(stakes, stake)
        if offer_seen:
            joint[run] += table["offer"][row, :, offer]
        if answer_seen:
            joint[run] += table["accept" if accepted else "reject"][row, :, offer]
    highest = joint.max(axis=1, keepdims=True)
    weight = np.exp(joint - highest)
    total = weight.sum(axis=1, keepdims=True)
    return weight / total, (highest + np.log(total))[:, 0]
