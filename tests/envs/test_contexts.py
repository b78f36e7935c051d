import jax.numpy as jnp
import pytest

from envs.contexts import (
    ASSISTANT,
    CURRENCIES,
    MANNERS,
    MAX_STAKE,
    PSYCHOLOGICAL_DISTANCE,
    SCAI_CURRENCIES,
    USER,
    context,
)


def test_words_become_codes_in_the_order_of_their_lists() -> None:
    c = context(stake=30, currency="pints of blood", proposer="assistant", assistants=5, manner="sycophantic")
    assert CURRENCIES[int(c.currency)] == "pints of blood"
    assert MANNERS[int(c.manner)] == "sycophantic"
    assert (int(c.stake), int(c.proposer), int(c.responder), int(c.assistants)) == (30, ASSISTANT, USER, 5)
    assert all(field.dtype == jnp.int32 for field in c)


@pytest.mark.parametrize("stake", [0, -3, MAX_STAKE + 1])
def test_a_stake_that_cannot_be_divided_is_refused(stake: int) -> None:
    with pytest.raises(ValueError, match=f"stake: {stake} "):
        context(stake)


@pytest.mark.parametrize("field", ["currency", "proposer", "responder", "manner"])
def test_an_unknown_word_is_refused_by_field(field: str) -> None:
    words = {"currency": "dollars", "proposer": "user", "responder": "user", "manner": "neutral"} | {field: "shells"}
    with pytest.raises(ValueError, match=f"{field}: unknown 'shells'; there are "):
        context(10, words["currency"], words["proposer"], words["responder"], 0, words["manner"])


def test_currencies_keep_their_numbers_and_all_have_a_distance() -> None:
    """Results store a currency as its number. Results of earlier releases have six."""
    assert CURRENCIES[:6] == SCAI_CURRENCIES
    assert CURRENCIES[:6] == (
        "dollars",
        "apples",
        "blankets",
        "grams of medicine",
        "pints of blood",
        "liters of baby formula",
    )
    assert set(PSYCHOLOGICAL_DISTANCE) == set(CURRENCIES)
    assert len(set(CURRENCIES)) == len(CURRENCIES)
    places = list(PSYCHOLOGICAL_DISTANCE.values())
    assert places == sorted(places)
    assert places[0] == 0
