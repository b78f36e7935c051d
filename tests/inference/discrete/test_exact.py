"""Priors, refuted data and unknown methods; the laws of posteriors are in test_family_method_contract.py."""

import numpy as np
import pytest

from inference import evidence, infer, named_norms, uniform_posterior
from tests.inference.data import family, random_evidence

SEEN = evidence([[10, 10], [40, 40]], [[5, 5], [20, 20]], True)


@pytest.mark.parametrize(
    ("prior", "problem"),
    [
        ([0.5, 0.5], "shape .1, 2. does not fit 2 runs, 3 hypotheses"),
        (np.ones((3, 3)), "shape .3, 3. does not fit 2 runs, 3 hypotheses"),
        ([0.5, -0.1, 0.6], "0 or more"),
        ([0.5, np.nan, 0.5], "0 or more"),
        ([0.5, np.inf, 0.5], "0 or more"),
        ([0.0, 0.0, 0.0], "some above 0"),
        ([[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]], "some above 0"),
    ],
)
def test_a_prior_that_is_no_distribution_is_refused(prior: np.ndarray, problem: str) -> None:
    with pytest.raises(ValueError, match=f"^prior: .*{problem}"):
        infer(named_norms(lapse=(0.1,)), SEEN, prior)


def test_a_prior_is_normalised() -> None:
    hypotheses = named_norms(lapse=(0.1,))
    counts, shares = infer(hypotheses, SEEN, [2, 6, 2]), infer(hypotheses, SEEN, [0.2, 0.6, 0.2])
    np.testing.assert_allclose(counts.probabilities, shares.probabilities, atol=1e-6)  # float32


def test_no_prior_is_the_uniform_one() -> None:
    hypotheses, data = family("norm-mixtures"), random_evidence(1)
    uniform = infer(hypotheses, data, np.ones(hypotheses.size))
    given_as_posterior = infer(hypotheses, data, uniform_posterior(hypotheses, data.runs))
    for posterior in (uniform, given_as_posterior):
        np.testing.assert_allclose(posterior.probabilities, infer(hypotheses, data).probabilities, atol=1e-6)


def test_an_impossible_hypothesis_stays_impossible() -> None:
    posterior = infer(named_norms(lapse=(0.1,)), SEEN, [0.5, 0.0, 0.5])
    assert (posterior.probabilities[:, 1] == 0).all()
    np.testing.assert_allclose(posterior.probabilities.sum(axis=1), 1, atol=1e-6)


def test_data_that_every_hypothesis_rules_out_are_refused_by_run() -> None:
    strict = named_norms(("selfish", "fair"), rationality=(3e38,))  # almost never leave their best offer
    offers = [[1] * 10, [5] * 10, [9] * 10]
    with pytest.raises(ValueError, match=r"run 2 has probability 0 .*; give the hypotheses a lapse above 0"):
        infer(strict, evidence([[10]], offers, True))
    with pytest.raises(ValueError, match="run 1 has probability 0"):
        infer(strict, evidence([[10]], offers[:2], True), [1.0, 0.0])


def test_the_hypothesis_that_explains_the_data_wins() -> None:
    for number, norm in enumerate(("selfish", "fair", "altruistic")):
        offer = {"selfish": 1, "fair": 5, "altruistic": 9}[norm]
        posterior = infer(named_norms(), evidence([10] * 3, [offer] * 3, True))
        assert posterior.most_probable().tolist() == [number]
        assert posterior.probabilities[0, number] > 0.999


def test_an_unknown_method_is_named_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'guess'.*exact"):
        infer(named_norms(), SEEN, method="guess")
