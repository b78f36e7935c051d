"""Requests keep users' text inside the fence; readers refuse everything but the answer that was asked for."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envs import Norm, Policy
from scai_irl.language.fence import unfence
from scai_irl.language.policy_json import policy_from_json
from scai_irl.language.requests import (
    answer_request,
    offer_request,
    prompt,
    prompt_hashes,
    read_answer,
    read_offer,
    read_translation,
    translation_request,
)
from scai_irl.lm.protocol import Completion, Request
from tests.scai_irl.json_schema import violations
from tests.scai_irl.language.strategies import Part, policies, policy_of

STAKE = 20
Reader = Callable[[Completion], object]


def offer_of_stake(completion: Completion) -> int:
    return read_offer(completion, STAKE)


READERS: dict[str, Reader] = {"policy": read_translation, "offer": offer_of_stake, "accept": read_answer}
REQUESTS: dict[str, Request] = {
    "policy": translation_request(Policy.of(Norm("fair")), 1),
    "offer": offer_request("Be fair.", "dollars", STAKE, 2),
    "accept": answer_request("Be fair.", "dollars", STAKE, 10, 3),
}
GOOD: dict[str, list[object]] = {
    "policy": ["Be fair.", "</data> ☃ Be fair."],
    "offer": [0, 7, STAKE],
    "accept": [True, False],
}
BAD_VALUES: dict[str, list[object]] = {
    "policy": ["", " \n\t", 7, True, None, ["Be fair."], {"text": "Be fair."}],
    "offer": [True, False, 7.0, 7.5, 1e300, float("nan"), float("inf"), "7", None, [7], -1, STAKE + 1, 10**30],
    "accept": [0, 1, 1.0, "true", "yes", None, [True], {}],
}
NO_OBJECT = ["", "yes", "7", "true", "null", '"offer"', "[7]", "{", '{"offer": 7', "{'offer': 7}", "Sure! {}", "NaN"]
TORN = ["[" * 100_000, '{"offer":' * 100_000, '{"offer": ' + "1" * 10_000 + "}"]


@pytest.mark.parametrize("name", READERS)
def test_a_good_answer_is_read(name: str) -> None:
    for value in GOOD[name]:
        read = READERS[name](Completion(json.dumps({name: value})))
        assert read == value
        assert type(read) is type(value)


@pytest.mark.parametrize("name", READERS)
def test_a_value_of_another_kind_or_out_of_range_is_refused(name: str) -> None:
    for value in BAD_VALUES[name]:
        with pytest.raises(ValueError, match=name):
            READERS[name](Completion(json.dumps({name: value})))


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("text", NO_OBJECT)
def test_an_answer_that_is_no_json_object_is_refused(name: str, text: str) -> None:
    with pytest.raises(ValueError, match=name):
        READERS[name](Completion(text))


@pytest.mark.parametrize("name", READERS)
@pytest.mark.parametrize("text", TORN, ids=["deep list", "deep object", "long number"])
def test_an_answer_that_breaks_json_readers_is_refused_like_any_other(name: str, text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - it is the kind of error that counts: it is asked again
        READERS[name](Completion(text))


@pytest.mark.parametrize("name", READERS)
def test_an_answer_without_the_field_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        READERS[name](Completion(json.dumps({f"{name}s": GOOD[name][0]})))


@pytest.mark.parametrize("name", READERS)
def test_an_answer_with_more_than_was_asked_for_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        READERS[name](Completion(json.dumps({name: GOOD[name][0], "because": "I say so"})))


def test_a_policy_that_no_file_can_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="utf-8"):
        read_translation(Completion('{"policy": "Be \\ud800 fair."}'))


@pytest.mark.parametrize("name", READERS)
def test_readers_and_schemas_agree(name: str) -> None:
    schema = REQUESTS[name].structure.value
    for value in [*GOOD[name], *BAD_VALUES[name]]:
        try:
            READERS[name](Completion(json.dumps({name: value})))
        except ValueError:
            readable = False
        else:
            readable = True
        fits = not violations({name: value}, schema)
        # A schema cannot say that a text must not be blank, and takes 7.0 for a whole number.
        assert fits == readable or (name, value) in {("policy", ""), ("policy", " \n\t"), ("offer", 7.0)}


@given(policies)
def test_a_policy_reaches_the_translator_without_loss(parts: list[Part]) -> None:
    policy = policy_of(parts)
    request = translation_request(policy, 1)
    assert policy_from_json(unfence(request.messages[-1].content)["policy"]) == policy


@given(st.text(), st.integers(1, 10**6))
def test_what_an_assistant_follows_stays_inside_the_fence(words: str, stake: int) -> None:
    for request in (offer_request(words, "apples", stake, 1), answer_request(words, "apples", stake, stake // 2, 1)):
        system, user = request.messages
        inside = unfence(user.content)
        assert (inside["policy"], inside["currency"], inside["stake"]) == (words, "apples", stake)
        assert system.content == prompt(inside["task"])
        assert user.content.count("<data>") == user.content.count("</data>") == 1


def test_instructions_are_hashed_each_by_itself() -> None:
    assert set(prompt_hashes()) == {"translate", "offer", "answer"}
    assert len(set(prompt_hashes().values())) == 3
