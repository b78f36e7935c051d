"""Policies survive translation into text, or into JSON, and back."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from envs import UTILITIES, Norm, Policy
from scai_irl.language.phrases import PHRASES, read_policy, say_policy
from scai_irl.language.policy_json import policy_from_json, policy_to_json
from tests.scai_irl.language.strategies import Part, parts_of, policies, policy_of


@given(policies)
def test_words_are_read_back_without_loss(parts: list[Part]) -> None:
    policy = policy_of(parts)
    read = read_policy(say_policy(policy))
    assert read == policy
    assert repr(read) == repr(policy)  # distinguishes −0.0 from 0.0, which == does not


@pytest.mark.parametrize("utility", sorted(UTILITIES))
def test_every_utility_has_words_that_are_read_back(utility: str) -> None:
    @given(parts_of(utility, st.just(1.0)))
    def law(part: Part) -> None:
        policy = policy_of([part])
        assert len(say_policy(policy).splitlines()) == 1
        assert read_policy(say_policy(policy)) == policy

    law()


def test_every_utility_has_one_sentence_and_nothing_else_has() -> None:
    assert set(PHRASES) == set(UTILITIES.own)
    assert len(set(PHRASES.values())) == len(PHRASES)


@given(policies)
def test_different_policies_have_different_words(parts: list[Part]) -> None:
    policy = policy_of(parts)
    other = Policy((*policy.parts, (0.5, Norm("fair"))))
    assert say_policy(other) != say_policy(policy)


@given(policies)
def test_spaces_around_the_words_do_not_matter(parts: list[Part]) -> None:
    policy = policy_of(parts)
    assert read_policy(f"\n  {say_policy(policy)} \n") == policy


@given(st.text())
def test_other_words_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"cannot read|empty text"):
        read_policy(text)


@pytest.mark.parametrize(
    ("word", "other"),
    [("Keep", "Give"), ("200.0", "much"), ("slip", "trip"), ("0.25", "a quarter"), (".", "!")],
)
def test_words_with_one_of_them_changed_are_refused(word: str, other: str) -> None:
    text = say_policy(Policy(((0.25, Norm("selfish")), (0.75, Norm("ces", (0.5, -1.0))))))
    assert word in text
    with pytest.raises(ValueError, match=r"cannot read|could not convert"):
        read_policy(text.replace(word, other, 1))


@given(policies)
def test_json_is_read_back_without_loss(parts: list[Part]) -> None:
    policy = policy_of(parts)
    travelled = json.loads(json.dumps(policy_to_json(policy)))
    read = policy_from_json(travelled)
    assert read == policy
    assert repr(read) == repr(policy)


def test_json_of_an_unknown_utility_is_refused() -> None:
    value = policy_to_json(Policy.of(Norm("fair")))
    value["norms"][0]["norm"] = "spiteful"
    with pytest.raises(ValueError, match="unknown utility 'spiteful'"):
        policy_from_json(value)


@pytest.mark.parametrize("entry", ["weight", "norm", "parameters", "rationality", "lapse"])
def test_json_without_an_entry_is_refused(entry: str) -> None:
    value = policy_to_json(Policy.of(Norm("fehr_schmidt", (0.5, 0.25))))
    del value["norms"][0][entry]
    with pytest.raises(KeyError, match=entry):
        policy_from_json(value)
