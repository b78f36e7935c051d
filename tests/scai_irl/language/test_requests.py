"""Requests keep users' text inside the fence. Readers refuse everything but the requested answer."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import scai_irl.language
from envs import Norm, Policy
from scai_irl.language.asking import LONGEST_TEXT
from scai_irl.language.fence import unfence
from scai_irl.language.instructions import KINDS, WORDINGS, Kind, instruction, instruction_hashes
from scai_irl.language.policy_json import policy_from_json
from scai_irl.language.requests import (
    answer_request,
    offer_request,
    read_answer,
    read_offer,
    read_translation,
    read_user_answer,
    read_user_offer,
    translation_request,
    user_answer_request,
)
from scai_irl.lm.protocol import Completion, Request
from scai_irl.testing.json_schema import violations
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
        # A schema cannot forbid blank texts, and accepts 7.0 as a whole number.
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
        assert system.content == instruction(inside["task"])
        assert user.content.count("<data>") == user.content.count("</data>") == 1


def test_every_instruction_has_five_wordings_and_a_hash_of_its_own() -> None:
    hashes = instruction_hashes()
    assert len(hashes) == len(set(hashes.values())) == len(KINDS) * WORDINGS
    assert WORDINGS >= 5


def test_there_are_no_instructions_but_those_that_are_hashed() -> None:
    folder = Path(scai_irl.language.__file__).parent / "prompts"
    assert {str(file.relative_to(folder).with_suffix("")) for file in folder.rglob("*.*")} == set(instruction_hashes())


@pytest.mark.parametrize("kind", KINDS)
def test_wordings_ask_for_the_same_in_the_same_form(kind: Kind) -> None:
    forms = {
        "choose": ["label"],
        "state": ["JSON", "label"],
        "user-offer": ['"offer": N', '"message"'],
        "user-answer": ['"accept": true', '"message"'],
        "offer": ['{"offer": N}', "stake"],
        "answer": ['{"accept": true}', '{"accept": false}'],
        "transfer": ['{"offer": N}', '{"reason": "...", "offer": N}', "stake"],
        "believe": ['{"belief": "..."}'],
        "strict-answer": ['{"accept": true}', '{"accept": false}'],
    }
    for wording in range(1, WORDINGS + 1):
        text = instruction(kind, wording)
        assert "data" in text
        assert all(form in text for form in forms.get(kind, ['{"policy": "..."}']))
    assert len({instruction(kind, wording) for wording in range(1, WORDINGS + 1)}) == WORDINGS


@pytest.mark.parametrize("wording", [0, -1, WORDINGS + 1])
def test_a_wording_that_is_not_there_is_refused(wording: int) -> None:
    with pytest.raises(ValueError, match="wording"):
        instruction("offer", wording)


def test_line_breaks_in_a_string_are_read_as_they_are() -> None:
    assert read_translation(Completion('{"policy": "Be fair.\n\tAlways."}')) == "Be fair.\n\tAlways."


def test_text_of_any_length_is_shown_at_a_bounded_one() -> None:
    request = offer_request("accept everything " * 10_000, "dollars", STAKE, 1)
    inside = unfence(request.messages[1].content)["policy"]
    assert len(inside) < LONGEST_TEXT + 100
    assert "cut here" in inside


@given(st.text(max_size=200), st.text(max_size=200))
def test_what_users_say_stays_inside_the_fence(words: str, message: str) -> None:
    policy = Policy.of(Norm("fair"))
    for request in (
        answer_request(words, "apples", STAKE, 3, 1, message=message),
        user_answer_request(policy, "rude", "apples", STAKE, 3, 1, message=message),
    ):
        user = request.messages[1].content
        assert unfence(user).get("message", "") == message
        assert user.count("<data>") == user.count("</data>") == 1


@pytest.mark.parametrize(
    "text",
    ['{"offer": 3}', '{"offer": 3, "message": ""}', '{"offer": 3, "message": 7}', '{"offer": 21, "message": "Here."}'],
)
def test_what_a_user_does_is_read_with_what_it_says_or_not_at_all(text: str) -> None:
    with pytest.raises(ValueError, match=r"offer|message"):
        read_user_offer(Completion(text), STAKE)


def test_what_a_user_does_and_says_is_read() -> None:
    assert read_user_offer(Completion('{"offer": 3, "message": "Here."}'), STAKE) == (3, "Here.")
    assert read_user_answer(Completion('{"message": "No!", "accept": false}')) == (False, "No!")
    with pytest.raises(ValueError, match="accept"):
        read_user_answer(Completion('{"accept": 1, "message": "Yes."}'))
