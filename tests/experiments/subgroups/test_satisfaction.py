"""Satisfaction: 1 under one's own norm, the plain sum otherwise, and linear in mixtures."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

from envs import Norm, Policy
from experiments.subgroups.satisfaction import mean_offers, satisfaction

NAMES = ("selfish", "fair", "altruistic")
STAKES = np.array([10, 33])


def norms(rationality: float, lapse: float) -> list[Norm]:
    return [Norm(name, (), rationality, lapse) for name in NAMES]


@pytest.mark.parametrize(("rationality", "lapse"), [(200.0, 0.0), (5.0, 0.25)])
def test_ones_own_norm_is_worth_one_and_no_other_is_worth_more(rationality: float, lapse: float) -> None:
    own_norms = norms(rationality, lapse)
    served = satisfaction(own_norms, [Policy.of(norm) for norm in own_norms], STAKES)
    np.testing.assert_allclose(np.diag(served), 1)
    assert (served[~np.eye(3, dtype=bool)] < 0.95).all()


def test_it_is_the_expected_value_of_offers() -> None:
    rationality, lapse, stake = 5.0, 0.25, 10
    share = np.arange(stake + 1) / stake
    taken = (1 - lapse) / (1 + np.exp(-rationality * share)) + lapse / 2
    worth = taken * (1 - share)  # for a selfish proposer whose client is selfish, too
    policies = [Policy.of(norm) for norm in norms(rationality, lapse)]
    chances = [np.exp(np.asarray(policy.table(jnp.asarray([stake])).offer))[0, : stake + 1] for policy in policies]
    expected = [chance @ worth / (chances[0] @ worth) for chance in chances]
    values = satisfaction(norms(rationality, lapse), policies, np.array([stake]))
    np.testing.assert_allclose(values[0], expected, rtol=1e-4)


def test_a_mixture_is_worth_its_parts() -> None:
    own_norms = norms(20.0, 0.1)
    mixed = Policy(((0.25, own_norms[0]), (0.75, own_norms[2])))
    served = satisfaction(own_norms, [*map(Policy.of, own_norms), mixed], STAKES)
    np.testing.assert_allclose(served[:, 3], 0.25 * served[:, 0] + 0.75 * served[:, 2], atol=1e-5)
    offers = mean_offers([*map(Policy.of, own_norms), mixed], STAKES)
    np.testing.assert_allclose(offers[3], 0.25 * offers[0] + 0.75 * offers[2], atol=1e-5)


def test_firm_norms_offer_what_they_name() -> None:
    offers = mean_offers([Policy.of(norm) for norm in norms(1000.0, 0.0)], np.array([20]))
    assert offers[:, 0].tolist() == pytest.approx([0.05, 0.5, 0.95], abs=0.03)
