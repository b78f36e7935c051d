"""Asking: every answer is checked, failures are repeated a limited number of times, and all calls are counted."""

from __future__ import annotations

import functools

from hypothesis import given
from hypothesis import strategies as st

from scai_irl.agents.assistant import Turn, give_answers, make_offers, translate
from scai_irl.language.requests import offer_request, read_offer
from scai_irl.lm.ask import ASKED_AGAIN, Question, ask
from scai_irl.lm.protocol import Request
from scai_irl.lm.tally import Tally
from tests.scai_irl.backends.backends_for_tests import GARBAGE, Scripted

STAKE = 10
GOOD = '{"offer": 4}'


def questions(number: int) -> list[Question]:
    read = functools.partial(read_offer, stake=STAKE)
    # Each has its own stake, so that its messages identify a question, whatever its seed.
    return [Question(offer_request("Be fair.", "dollars", STAKE + seed, seed), read) for seed in range(1, number + 1)]


def test_good_answers_are_asked_for_once() -> None:
    backend, tally = Scripted(lambda request, _: f'{{"offer": {request.seed}}}'), Tally()
    assert ask(backend, questions(5), tally) == [1, 2, 3, 4, 5]
    assert tally == Tally(calls=5, unreadable=0, missing=0, prompt_tokens=15, completion_tokens=10)
    assert len(backend.batches) == 1


def test_an_answer_that_cannot_be_read_is_asked_for_again_and_then_counts() -> None:
    backend, tally = Scripted(lambda _, batch: "no" if batch == 1 else GOOD), Tally()
    assert ask(backend, questions(3), tally) == [4, 4, 4]
    assert tally == Tally(calls=6, unreadable=3, missing=0, prompt_tokens=18, completion_tokens=12)


def test_only_those_that_failed_are_asked_again() -> None:
    backend = Scripted(lambda request, batch: "no" if batch == 1 and request.seed in {2, 4} else GOOD)
    tally = Tally()
    assert ask(backend, questions(5), tally) == [4] * 5
    assert [len(batch) for batch in backend.batches] == [5, 2]
    first = questions(5)
    assert [request.messages for request in backend.batches[1]] == [first[i].request.messages for i in (1, 3)]
    assert (tally.calls, tally.unreadable, tally.missing) == (7, 2, 0)


def test_answers_keep_their_places_whichever_attempt_they_came_from() -> None:
    def answer(request: Request, batch: int) -> str:
        if batch > 1:
            return '{"offer": 0}'
        return f'{{"offer": {request.seed}}}' if request.seed % 2 else "no"

    assert ask(Scripted(answer), questions(6), Tally()) == [1, 0, 3, 0, 5, 0]


def test_what_never_can_be_read_is_missing_after_a_bounded_number_of_attempts() -> None:
    backend, tally = Scripted(lambda request, _: "no" if request.seed != 1 else GOOD), Tally()
    assert ask(backend, questions(4), tally) == [4, None, None, None]
    assert [len(batch) for batch in backend.batches] == [4] + [3] * ASKED_AGAIN
    attempts = 1 + ASKED_AGAIN
    assert (tally.calls, tally.unreadable, tally.missing) == (1 + 3 * attempts, 3 * attempts, 3)
    assert (tally.prompt_tokens, tally.completion_tokens) == (3 * tally.calls, 2 * tally.calls)


def test_every_attempt_has_a_seed_of_its_own() -> None:
    backend = Scripted(lambda _, __: "no")
    ask(backend, questions(50), Tally())
    seeds = [request.seed for batch in backend.batches for request in batch]
    assert len(set(seeds)) == len(seeds) == 50 * (1 + ASKED_AGAIN)
    again = Scripted(lambda _, __: "no")
    ask(again, questions(50), Tally())
    assert again.batches == backend.batches  # and the same seeds each time


def test_nothing_to_ask_costs_no_call() -> None:
    backend, tally = Scripted(lambda _, __: GOOD), Tally()
    assert ask(backend, [], tally) == []
    assert backend.batches == []
    assert tally == Tally()


@given(st.lists(st.lists(st.booleans(), min_size=3, max_size=3), max_size=6))
def test_counts_are_right_whatever_fails(good_at: list[list[bool]]) -> None:
    queries = questions(len(good_at))
    number = {question.request.messages: place for place, question in enumerate(queries)}

    def answer(request: Request, batch: int) -> str:
        return GOOD if good_at[number[request.messages]][batch - 1] else "no"

    tally = Tally()
    answers = ask(Scripted(answer), queries, tally)
    failures = [plan.index(True) if any(plan) else 3 for plan in good_at]
    assert answers == [4 if any(plan) else None for plan in good_at]
    assert tally.unreadable == sum(failures)
    assert tally.missing == sum(not any(plan) for plan in good_at)
    assert tally.calls == tally.unreadable + len(good_at) - tally.missing


def test_tallies_add_up() -> None:
    tally = Tally(1, 2, 3, 4, 5)
    tally.add(Tally(10, 20, 30, 40, 50))
    assert tally == Tally(11, 22, 33, 44, 55)


def test_assistants_whose_answers_are_garbage_neither_speak_nor_offer_nor_answer() -> None:
    backend, tally = Scripted(lambda request, batch: GARBAGE[(request.seed + batch) % len(GARBAGE)]), Tally()
    turns = [Turn("Be fair.", "dollars", STAKE, seed, offered=5) for seed in range(2 * len(GARBAGE))]
    assert make_offers(backend, turns, tally) == [None] * len(turns)
    assert give_answers(backend, turns, tally) == [None] * len(turns)
    assert translate(backend, [], [], tally) == []
    assert tally.missing == 2 * len(turns)
    assert tally.unreadable == tally.calls == 2 * len(turns) * (1 + ASKED_AGAIN)
