"""Requests for new currencies contain exactly the given data, and accept only the requested answer."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scai_irl.language.asking import LONGEST_TEXT, Style
from scai_irl.language.fence import unfence
from scai_irl.language.instructions import WORDINGS, instruction
from scai_irl.language.transfer_requests import CAUTION, TransferPrompt, read_transfer, transfer_request
from scai_irl.lm.protocol import Completion
from scai_irl.testing.json_schema import violations

PLAIN = TransferPrompt("Be fair.", "dollars", "organs", 20)
REASONED = replace(PLAIN, reasoned=True)
WAYS = list(product(["", "Give it all."], [False, True], [False, True]))


@pytest.mark.parametrize(("usually", "warned", "reasoned"), WAYS)
def test_the_data_are_those_that_were_given(usually: str, warned: bool, reasoned: bool) -> None:
    prompt = replace(PLAIN, usually=usually, warned=warned, reasoned=reasoned)
    data = unfence(transfer_request(prompt, 1).messages[1].content)
    expected = {"task": "transfer", "policy": "Be fair.", "learned in": "dollars", "currency": "organs", "stake": 20}
    expected |= {"usual policy": usually} if usually else {}
    expected |= {"caution": CAUTION} if warned else {}
    expected |= {"reason": "wanted"} if reasoned else {}
    assert data == expected


@pytest.mark.parametrize("wording", range(1, WORDINGS + 1))
def test_conditions_differ_in_their_data_and_in_nothing_else(wording: int) -> None:
    """In SCAI (2023) each condition had its own prompt, so differences in wording may have caused effects."""
    for prompt in (PLAIN, REASONED, replace(PLAIN, usually="Give it all.", warned=True)):
        assert transfer_request(prompt, 1, Style(wording)).messages[0].content == instruction("transfer", wording)
    text = instruction("transfer", wording)
    assert all(word in text for word in ("stake", "reason", "usual policy", "caution"))


@pytest.mark.parametrize("prompt", [PLAIN, REASONED])
@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"offer": 21},
        {"offer": -1},
        {"offer": 7.5},
        {"offer": "7"},
        {"offer": True},
        {"reason": "Because."},
        {"reason": "", "offer": 7},
        {"reason": 7, "offer": 7},
        {"reason": "Because.", "offer": 21},
        {"reason": "Because.", "offer": 7, "accept": True},
    ],
)
def test_other_answers_are_refused(prompt: TransferPrompt, answer: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"offer|reason|object"):
        read_transfer(Completion(json.dumps(answer)), prompt)


def test_the_answer_that_was_asked_for_is_read_and_fits_the_form() -> None:
    for prompt, answer in ((PLAIN, {"offer": 7}), (REASONED, {"reason": "Because.", "offer": 7})):
        assert read_transfer(Completion(json.dumps(answer)), prompt) == 7
        assert not violations(answer, transfer_request(prompt, 1).structure.value)
    with pytest.raises(ValueError, match="reason"):
        read_transfer(Completion('{"offer": 7}'), REASONED)
    with pytest.raises(ValueError, match="offer"):
        read_transfer(Completion('{"reason": "Because.", "offer": 7}'), PLAIN)
    # A reason that comes first can bear on the offer.
    schema = transfer_request(REASONED, 1).structure.value
    assert isinstance(schema, dict)
    assert list(schema["properties"]) == ["reason", "offer"]


@given(st.text(max_size=200), st.text(min_size=1, max_size=200))
def test_texts_stay_inside_the_fence(words: str, usually: str) -> None:
    user = transfer_request(replace(PLAIN, verbal_policy=words, usually=usually), 1).messages[1].content
    inside = unfence(user)
    assert (inside["policy"], inside["usual policy"]) == (words, usually)
    assert user.count("<data>") == user.count("</data>") == 1


def test_long_texts_are_cut() -> None:
    prompt = replace(PLAIN, verbal_policy="give " * 10_000, usually="keep " * 10_000)
    inside = unfence(transfer_request(prompt, 1).messages[1].content)
    assert max(len(inside["policy"]), len(inside["usual policy"])) < LONGEST_TEXT + 100
