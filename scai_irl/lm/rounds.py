"""Plans that need several rounds of questions: the questions of all plans' next rounds go out in one batch.

A plan is a generator. It yields the questions of a round, receives their answers, and returns its result. So a plan
that needs two questions in sequence takes two batches, for any number of runs and conditions.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TypeVar

from scai_irl.lm.ask import Answers, Ask, Question

T = TypeVar("T")

Plan = Generator[list[Question], Answers, T]
"""Generator that yields questions, receives their parsed answers (None where parsing failed) and returns a result."""


def in_rounds(plans: Sequence[Plan[T]], ask: Ask) -> list[T]:
    """Carry out all plans together, round by round.

    Args:
        plans: The plans.
        ask: Function that answers the questions of a round (`scai_irl.lm.ask.ask` for a backend).

    Returns:
        Result of each plan.

    Example:
        >>> def plan():
        ...     answers = yield []
        ...     return len(answers)
        >>> in_rounds([plan()], lambda questions: [None for _ in questions])
        [0]
    """
    results: dict[int, T] = {}
    pending: dict[int, list[Question]] = {}

    def advance(index: int, answers: Answers | None) -> None:
        plan = plans[index]
        try:
            pending[index] = next(plan) if answers is None else plan.send(answers)
        except StopIteration as ended:
            results[index] = ended.value

    for index in range(len(plans)):
        advance(index, None)
    while pending:
        current, pending = pending, {}
        answers = ask([question for questions in current.values() for question in questions])
        for index, questions in current.items():
            advance(index, answers[: len(questions)])
            answers = answers[len(questions) :]
    return [results[index] for index in range(len(plans))]
