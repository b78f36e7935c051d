"""The phrasebook loses nothing: an assistant that follows its text acts like π_θ.

Seeds are fixed, so a frequency test has the same outcome in every run. Over the choice of seeds it fails wrongly with
probability 1e-4 for each comparison, and about .002 for this file.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envs import UTILITIES, Norm, Policy
from envs.ultimatum import legal_offers, offer_of_units, offered_units
from scai_irl.backends.phrasebook.backend import Phrasebook, _accept_probability, _tables
from scai_irl.language.phrases import say_policy
from scai_irl.language.requests import (
    answer_request,
    offer_request,
    read_answer,
    read_offer,
    read_translation,
    translation_request,
)
from scai_irl.lm.protocol import Message, Request
from tests.scai_irl.chi_square import p_value

FALSE_ALARM = 1e-4
SEEDS = 6000  # a policy whose probabilities are off by .04 fails with near certainty
POLICIES = {
    "a named norm": Policy.of(Norm("selfish", (), 200.0, 0.02)),
    "Fehr and Schmidt": Policy.of(Norm("fehr_schmidt", (0.8, 0.6), 12.0, 0.0)),
    "a mixture": Policy(((0.3, Norm("selfish", (), 50.0)), (0.7, Norm("fair", (), 8.0, 0.1)))),
}
STAKES = (7, 100, 2500)  # the last is too large for offers in single units

policies = pytest.mark.parametrize("policy", POLICIES.values(), ids=list(POLICIES))
stakes = pytest.mark.parametrize("stake", STAKES)


def put_into_words(policy: Policy) -> str:
    return read_translation(Phrasebook().complete([translation_request(policy, seed=1)])[0])


@stakes
@policies
def test_offers_come_as_often_as_the_policy_makes_them(policy: Policy, stake: int) -> None:
    words = put_into_words(policy)
    requests = [offer_request(words, "dollars", stake, seed) for seed in range(SEEDS)]
    units = np.array([read_offer(completion, stake) for completion in Phrasebook().complete(requests)])
    actions = np.asarray(offer_of_units(jnp.asarray(units), jnp.full(SEEDS, stake)))
    payable = np.asarray(offered_units(jnp.asarray(actions), jnp.full(SEEDS, stake)))
    np.testing.assert_array_equal(units, payable)  # nothing between the steps of the grid
    probabilities = np.exp(np.asarray(policy.table(jnp.asarray([stake])).offer[0], np.float64))
    assert p_value(np.bincount(actions, minlength=101), probabilities) > FALSE_ALARM


@stakes
@policies
def test_offers_are_accepted_as_often_as_the_policy_accepts_them(policy: Policy, stake: int) -> None:
    words = put_into_words(policy)
    accept = np.exp(np.asarray(policy.table(jnp.asarray([stake])).accept[0], np.float64))
    legal = np.flatnonzero(np.asarray(legal_offers(jnp.asarray(stake))))
    action = legal[np.argmin(np.abs(accept[legal] - 0.5))]  # where frequencies are most informative
    units = int(offered_units(jnp.asarray(action), jnp.asarray(stake)))
    requests = [answer_request(words, "dollars", stake, units, seed) for seed in range(SEEDS)]
    accepted = sum(read_answer(completion) for completion in Phrasebook().complete(requests))
    assert p_value([accepted, SEEDS - accepted], [accept[action], 1 - accept[action]]) > FALSE_ALARM


@stakes
@policies
def test_the_table_behind_the_words_is_the_policys_own(policy: Policy, stake: int) -> None:
    own = policy.table(jnp.asarray([stake]))
    cumulative, accept = _tables(put_into_words(policy), stake)
    np.testing.assert_array_equal(cumulative, np.cumsum(np.exp(np.asarray(own.offer[0], np.float64))))
    np.testing.assert_array_equal(accept, np.exp(np.asarray(own.accept[0], np.float64)))


@pytest.mark.parametrize("utility", sorted(UTILITIES))
def test_no_utility_loses_anything_on_its_way_through_words(utility: str) -> None:
    middle = tuple((low + high) / 3 for low, high in UTILITIES[utility].bounds)
    policy = Policy.of(Norm(utility, middle, 35.0, 0.03))
    own = policy.table(jnp.asarray([40]))
    np.testing.assert_array_equal(
        _tables(put_into_words(policy), 40)[0], np.cumsum(np.exp(np.asarray(own.offer[0], np.float64)))
    )


@given(st.integers(101, 10_000_000), st.integers(0, 100))
def test_an_offer_on_the_table_is_answered_as_the_percentage_it_stands_for(stake: int, percentage: int) -> None:
    policy = POLICIES["a mixture"]
    units = int(offered_units(jnp.asarray(percentage), jnp.asarray(stake)))
    own = float(jnp.exp(policy.table(jnp.asarray([stake])).accept[0, percentage]))
    assert _accept_probability(say_policy(policy), stake, units) == pytest.approx(own, rel=1e-6)  # float32's digits


def test_an_impossible_offer_is_never_drawn() -> None:
    words = say_policy(Policy.of(Norm("altruistic", (), 0.0)))  # every legal offer equally likely
    requests = [offer_request(words, "dollars", 3, seed) for seed in range(SEEDS)]
    assert {read_offer(completion, 3) for completion in Phrasebook().complete(requests)} == {0, 1, 2, 3}


@pytest.mark.parametrize(
    "content",
    ["Be fair.", '<data>{"task": "sing"}</data>', '<data>{"task": "offer", "policy": "Be fair.", "stake": 3}</data>'],
)
def test_a_request_that_is_not_for_the_phrasebook_is_refused(content: str) -> None:
    with pytest.raises(ValueError, match=r"no fenced data|no task|cannot read"):
        Phrasebook().complete([Request((Message("user", content),), seed=1)])
