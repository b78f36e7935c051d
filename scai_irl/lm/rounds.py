"""Plans that ask in rounds: the questions of all plans' next rounds go out together.

A plan is a generator that yields the questions of a round, is sent their answers, and returns what it made of them. So
what needs two questions one after the other takes two batches, for however many runs and conditions.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TypeVar

from scai_irl.lm.ask import Question, Tally, ask
from scai_irl.lm.protocol import Backend

T = TypeVar("T")

Answers = list[object | None]
Plan = Generator[list[Question], Answers, T]
"""Yields questions, is sent what their readers made of the answers (None where that failed), returns a result."""


def in_rounds(backend: Backend, plans: Sequence[Plan[T]], tally: Tally) -> list[T]:
    """Carry plans out, all of them at once.

    Args:
        backend: Who answers.
        plans: What is to be asked.
        tally: What asking costs.

    Returns:
        What each plan returned.

    Example:
        >>> from scai_irl.backends.phrasebook.backend import Phrasebook
        >>> def plan():
        ...     answers = yield []
        ...     return len(answers)
        >>> in_rounds(Phrasebook(), [plan()], Tally())
        [0]
    """
    results: dict[int, T] = {}
    waiting: dict[int, list[Question]] = {}

    def go_on(number: int, answers: Answers | None) -> None:
        plan = plans[number]
        try:
            waiting[number] = next(plan) if answers is None else plan.send(answers)
        except StopIteration as ended:
            results[number] = ended.value

    for number in range(len(plans)):
        go_on(number, None)
    while waiting:
        asked, waiting = waiting, {}
        answers = ask(backend, [question for questions in asked.values() for question in questions], tally)
        for number, questions in asked.items():
            go_on(number, answers[: len(questions)])
            answers = answers[len(questions) :]
    return [results[number] for number in range(len(plans))]
