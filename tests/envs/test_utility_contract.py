"""Every utility of the registry obeys the contract and equals its published formula, written a second time."""

import jax.numpy as jnp
import numpy as np
import pytest

from envs.utilities import UTILITIES, Utility, get_utility
from scai_irl.testing import UtilityContract
from scai_irl.testing.utility_laws import SHARES, payoffs
from tests.envs.reference import PARAMETERS, PUBLISHED, reciprocal_answer


class TestEveryUtility(UtilityContract):
    @pytest.fixture(params=list(UTILITIES))
    def utility(self, request: pytest.FixtureRequest) -> Utility:
        return get_utility(request.param)


@pytest.mark.parametrize("utility", [get_utility(name) for name in PUBLISHED], ids=list(PUBLISHED))
def test_it_is_the_published_formula(utility: Utility) -> None:
    own, other = payoffs()
    for theta in PARAMETERS[utility.name]:
        expected = [PUBLISHED[utility.name](theta, x, y) for x, y in zip([*SHARES, 0], [*(1 - SHARES), 0], strict=True)]
        utilities = utility.function(jnp.asarray(theta, jnp.float32), own, other)
        # 2e-5: CES near r = 0 divides a float32 logarithm by r = .05.
        np.testing.assert_allclose(utilities, expected, atol=2e-5, err_msg=str(theta))


def test_every_utility_of_this_project_has_its_formula_here() -> None:
    assert set(UTILITIES.own) == set(PUBLISHED)


def test_reciprocity_answers_by_its_own_formula() -> None:
    described = get_utility("reciprocity")
    own, other = payoffs()
    pairs = list(zip([*SHARES, 0], [*(1 - SHARES), 0], strict=True))
    for theta in PARAMETERS["reciprocity"]:
        expected = [reciprocal_answer(theta, x, y) for x, y in pairs]
        utilities = described.of_responder(jnp.asarray(theta, jnp.float32), own, other)
        np.testing.assert_allclose(utilities, expected, atol=1e-6)
    assert get_utility("selfish").of_responder is get_utility("selfish").function


def test_fehr_schmidt_without_envy_and_guilt_is_selfish() -> None:
    own, other = payoffs()
    selfish = get_utility("selfish").function(jnp.zeros(0), own, other)
    np.testing.assert_array_equal(get_utility("fehr_schmidt").function(jnp.zeros(2), own, other), selfish)


def test_charness_rabin_holds_fehr_schmidt() -> None:
    """Their equation 1 with ρ = β and σ = −α is Fehr and Schmidt's."""
    own, other = payoffs()
    envy, guilt = 0.8, 0.3
    inequity = get_utility("fehr_schmidt").function(jnp.asarray([envy, guilt]), own, other)
    weighted = get_utility("charness_rabin").function(jnp.asarray([guilt, -envy]), own, other)
    np.testing.assert_allclose(inequity, weighted, atol=1e-6)  # float32 sums in another order


@pytest.mark.parametrize("weight", [0.0, 0.25, 0.8, 1.0])
def test_ces_of_exponent_one_is_linear(weight: float) -> None:
    own, other = payoffs()
    utilities = get_utility("ces").function(jnp.asarray([weight, 1.0]), own, other)
    np.testing.assert_allclose(utilities, weight * own + (1 - weight) * other, atol=1e-6)  # exp(log x) in float32


@pytest.mark.parametrize("exponent", [-2e-3, -1.01e-3, -0.99e-3, -1e-5, 0.0, 1e-5, 0.99e-3, 1.01e-3, 2e-3])
def test_ces_goes_over_to_its_limit_without_a_jump(exponent: float) -> None:
    own, other = payoffs()
    utilities = get_utility("ces").function(jnp.asarray([0.4, exponent]), own, other)
    expected = [PUBLISHED["ces"]((0.4, exponent), x, y) for x, y in zip([*SHARES, 0], [*(1 - SHARES), 0], strict=True)]
    np.testing.assert_allclose(utilities, expected, atol=2e-4)  # a float32 logarithm, 1e-7, divided by r = 1e-3


def test_the_fair_norm_names_one_offer_at_every_stake() -> None:
    stake = np.arange(1, 101)[:, None]
    given = np.arange(101) / stake
    value = get_utility("fair").function(jnp.zeros(0), jnp.asarray(1 - given), jnp.asarray(given))
    best = np.sort(np.where(given <= 1, value, -np.inf), axis=1)
    assert (best[:, -1] - best[:, -2] > 1e-3).all()  # the second best has less utility, by half a unit
