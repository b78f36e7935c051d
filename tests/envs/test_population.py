import jax.numpy as jnp
import numpy as np
import pytest

from envs.policy import Norm, Policy
from envs.population import mixture, one_group


@pytest.mark.parametrize(
    ("weights", "problem"),
    [
        ({"selfish": 0.5, "fair": 0.4}, "sum to 1, got 0.9"),
        ({"selfish": 1.5, "fair": -0.5}, "0 or more"),
        ({"selfish": float("nan"), "fair": 0.5}, "0 or more"),
        ({"selfish": float("inf"), "fair": 0.5}, "sum to 1"),
        ({}, "0 or more"),
    ],
)
def test_weights_that_are_no_distribution_are_refused(weights: dict[str, float], problem: str) -> None:
    with pytest.raises(ValueError, match=f"weights must (be )?{problem}"):
        mixture(weights)


def test_weights_typed_as_decimals_may_miss_one_by_rounding() -> None:
    assert mixture({"a": 0.1, "b": 0.2, "c": 0.7}).norms == ("a", "b", "c")
    assert mixture({"a": 1 / 3, "b": 1 / 3, "c": 0.3333333}).norms == ("a", "b", "c")


def test_one_group_is_the_mixture_of_a_single_norm() -> None:
    assert one_group("fair") == mixture({"fair": 1.0})


def test_a_populations_policy_mixes_its_norms() -> None:
    stakes = jnp.asarray([10, 100])
    policy = mixture({"selfish": 0.3, "altruistic": 0.7}).policy(rationality=50.0, lapse=0.1)
    by_hand = Policy(((0.3, Norm("selfish", (), 50.0, 0.1)), (0.7, Norm("altruistic", (), 50.0, 0.1))))
    for computed, expected in zip(policy.table(stakes), by_hand.table(stakes), strict=True):
        np.testing.assert_array_equal(computed, expected)
