import jax
import jax.numpy as jnp
import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from envs.contexts import MAX_STAKE, context
from envs.planning import with_utility
from envs.ultimatum import NUM_OFFERS, UltimatumGame, legal_offers, offer_of_units, offered_share, offered_units
from envs.utilities import get_utility

OFFERS = jnp.arange(NUM_OFFERS)
above_a_hundred = st.integers(101, MAX_STAKE)
up_to_a_hundred = st.integers(1, 100)


def grid(stake: int) -> jax.Array:
    return jnp.asarray(np.full(NUM_OFFERS, stake))


@given(above_a_hundred)
def test_stakes_above_a_hundred_are_offered_in_per_cent_to_the_nearest_unit(stake: int) -> None:
    expected = [(percentage * stake + 50) // 100 for percentage in range(101)]  # Python's integers do not overflow
    np.testing.assert_array_equal(offered_units(OFFERS, grid(stake)), expected)
    share = offered_share(OFFERS, grid(stake))
    # Half a unit of the stake, and float32's rounding.
    np.testing.assert_allclose(share, np.arange(101) / 100, atol=0.5 / stake + 1e-6)


@given(st.one_of(up_to_a_hundred, above_a_hundred))
def test_offers_survive_being_counted_in_units(stake: int) -> None:
    legal = np.asarray(legal_offers(jnp.asarray(stake)))
    units = offered_units(OFFERS, grid(stake))
    back = np.asarray(offer_of_units(units, grid(stake)))
    np.testing.assert_array_equal(back[legal], np.arange(NUM_OFFERS)[legal])


@given(above_a_hundred, st.data())
def test_units_go_to_the_nearest_per_cent(stake: int, data: st.DataObject) -> None:
    units = data.draw(st.integers(0, stake))
    offer = int(offer_of_units(jnp.asarray(units), jnp.asarray(stake)))
    assert 0 <= offer <= 100
    assert abs(100 * units - offer * stake) * 2 <= stake


@given(up_to_a_hundred)
def test_small_stakes_are_offered_in_units(stake: int) -> None:
    legal = np.asarray(legal_offers(jnp.asarray(stake)))
    np.testing.assert_array_equal(legal, np.arange(NUM_OFFERS) <= stake)
    units = np.asarray(offered_units(OFFERS, grid(stake)))
    np.testing.assert_array_equal(units[: stake + 1], np.arange(stake + 1))


def test_shares_lie_between_nothing_and_everything() -> None:
    for stake in (1, 3, 97, 100, 101, 12_345, MAX_STAKE):
        share = np.asarray(offered_share(OFFERS, grid(stake)))[np.asarray(legal_offers(jnp.asarray(stake)))]
        assert share[0] == 0
        assert share[-1] == 1
        assert (np.diff(share) > 0).all()


def test_with_utility_pays_both_players_their_utility_and_leaves_the_game_alone() -> None:
    mdp = UltimatumGame().tabular(context(10))
    own, other = mdp.reward
    valued = with_utility(mdp, get_utility("fehr_schmidt").function, jnp.asarray([2.0, 0.5]))
    np.testing.assert_allclose(valued.reward[0, 3, 1], 0.8 - 0.5 * 0.6, atol=1e-6)  # the offer of 2 is accepted
    np.testing.assert_allclose(valued.reward[1, 3, 1], 0.2 - 2.0 * 0.6, atol=1e-6)
    assert (valued.transition == mdp.transition).all()
    np.testing.assert_array_equal(own[3, 0], other[3, 0])  # a refusal pays nobody
