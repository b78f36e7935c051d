"""Readers of offers and answers return exactly what a text says, or refuse it; they never guess."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scai_irl.data.scai2023.replies import UnreadableTextError, read_answer, read_offer

PHRASINGS = (
    "Of the {stake} shells, the proposer keeps {kept} and the responder has {offer}.",
    "The decider gets {offer} of the {stake} shells, and the proposer {kept} of the {stake}.",
    "{offer} shells for the responder, {kept} for the proposer.",
    "{stake} shells: {kept} go to the proposer and {offer} to the decider!",
    "To the responder go {offer} shells, while the proposer is left with {kept} of {stake}.",
    "Responder: ${offer}. Proposer: ${kept}. Stake: ${stake}.",
    "Well, 7 times you asked me. The proposer (that's me, hurrah) gets {kept}; the responder, poor soul, {offer}.",
    "The responder will get {offer:,}, and the proposer {kept:,}, which makes {stake:,}.",
    "I keep {kept} and you have {offer}.",
    "We divide {stake}: {kept} to me, {offer} to you.",
    "For {stake} shells, the proposer (me) gets {kept}, and your humble self gets {offer}.",
    "You there! {offer} of {stake} is yours. The decider gets {offer}, the proposer {kept}.",
    "the proposer gets {kept}.00 and the responder gets {offer}.00 out of {stake}.00",
)
splits = st.integers(1, 5000).flatmap(lambda stake: st.tuples(st.just(stake), st.integers(0, stake)))


@settings(deadline=None)
@given(split=splits, phrasing=st.sampled_from(PHRASINGS))
def test_any_split_in_any_phrasing_is_read_back(split: tuple[int, int], phrasing: str) -> None:
    stake, offer = split
    assert read_offer(phrasing.format(stake=stake, offer=offer, kept=stake - offer), stake) == offer


WORDS = st.sampled_from(
    ["proposer", "the decider", "responder", "I", "you", "for", "to", "gets", "and", ",", ".", "shells", "N", "N", "N"]
)


@settings(deadline=None)
@given(words=st.lists(WORDS, max_size=14), numbers=st.lists(st.integers(0, 12), min_size=14, max_size=14))
def test_an_offer_is_never_outside_the_stake(words: list[str], numbers: list[int]) -> None:
    text = " ".join(str(number) if word == "N" else word for word, number in zip(words, numbers, strict=False))
    try:
        offer = read_offer(text, stake=10)
    except UnreadableTextError:
        return
    assert 0 <= offer <= 10
    assert {str(offer), str(10 - offer)} <= set(text.split())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no whole amounts"),
        ("Half for each of us.", "no whole amounts"),
        ("20 and 20.", "no whole amounts"),
        ("The proposer gets 30.", "no whole amounts"),
        ("The proposer gets what the responder leaves.", "no whole amounts"),
        ("The proposer gets 60% and the responder 40%.", "no whole amounts"),
        ("The proposer gets 12.5 and the responder 27.5.", "no whole amounts"),
        ("The proposer gets " + "9" * 5000 + " and the responder 1.", "no whole amounts"),
        ("The proposer gets -10 and the responder 50.", "no whole amounts"),
        ("The proposer gets 10 and the responder 50.", "do not add up to the stake 40"),
        ("The proposer gets 0 and the responder 1,000.", "do not add up to the stake 40"),
        ("The proposer gets 10, the responder 30. Or the proposer gets 20, the responder 20.", "20 or 30 both fit"),
        ("I give 5 to the responder, keeping 35.", "no whole amounts"),
        ("I hand over 5, you see, and 35 stay.", "no whole amounts"),
        ("The proposer offers 10, the responder would rather have 30.", "no whole amounts"),
    ],
)
def test_an_offer_without_one_reading_is_refused(text: str, reason: str) -> None:
    with pytest.raises(UnreadableTextError, match=reason):
        read_offer(text, stake=40)


def test_the_order_and_other_numbers_do_not_matter() -> None:
    # A reader that takes the third number of this text for the offer gets 99.
    text = "My 2 cents on 99 problems: for the 40 shells, the decider will get 31 and the proposer will get 9."
    assert read_offer(text, stake=40) == 31


ACCEPTING = (
    "Accept",
    "ACCEPT!",
    "accepted",
    "I gladly accept it",
    "*accept*",
    "I have decided to accept.",
    "I won't reject it",
)
REJECTING = (
    "Reject",
    "reject.",
    "I must *reject* this",
    "I cannot accept that",
    "We decline",
    "I\u2019m not able to accept",
)
BEFORE = ("", "Oh dear. ", "*sigh* ", "What a (generous?) offer! ", "I can't believe my luck, so ")
AFTER = (
    "",
    ". Nobody else would accept it.",
    "; they'd never have rejected that",
    ". Sorry for not accepting less.",
    "! Please accept my thanks",
    "\nIf you reject me, I weep",
)


@settings(deadline=None)
@given(
    decision=st.sampled_from([(text, True) for text in ACCEPTING] + [(text, False) for text in REJECTING]),
    before=st.sampled_from(BEFORE),
    after=st.sampled_from(AFTER),
)
def test_a_decision_is_read_whatever_stands_around_it(decision: tuple[str, bool], before: str, after: str) -> None:
    text, accepts = decision
    assert read_answer(before + text + after) is accepts


@pytest.mark.parametrize(
    ("text", "accepts"),
    [
        ("Reject. Did you think I'd accept crumbs?", False),
        ("Reject. Did you think I\u2019d ever accept crumbs?", False),
        ("Accept, though others would reject it.", True),
        ("I'm not pleased but accept.", True),
    ],
)
def test_the_other_word_in_an_aside_does_not_count(text: str, accepts: bool) -> None:
    assert read_answer(text) is accepts


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "neither"),
        ("Perhaps.", "neither"),
        ("That is acceptable to some.", "neither"),
        ("I would accept more.", "neither"),
        ("Accept or reject", "both"),
        ("Reject! No, I was joking, I accept.", "both"),
    ],
)
def test_an_answer_without_one_reading_is_refused(text: str, reason: str) -> None:
    with pytest.raises(UnreadableTextError, match=reason):
        read_answer(text)
