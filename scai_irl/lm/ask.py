"""Ask a backend, check every answer, and ask again a bounded number of times."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from envs.seeds import derive_seed
from scai_irl.lm.protocol import Backend, Completion, Request

ASKED_AGAIN = 2
"""Times that an answer which cannot be read is asked for again."""

T = TypeVar("T")


@dataclass
class Tally:
    """What asking has cost so far.

    Attributes:
        calls: Requests sent, repeated ones included.
        unreadable: Answers that could not be read.
        missing: Requests left without a readable answer.
        prompt_tokens: Tokens read by the model.
        completion_tokens: Tokens written by it.
    """

    calls: int = 0
    unreadable: int = 0
    missing: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def add(self, other: Tally) -> None:
        """Add another tally to this one."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


@dataclass(frozen=True)
class Question:
    """A request with the reader of its answer.

    Attributes:
        request: What is asked.
        read: Reader that raises `ValueError` for an answer it cannot use.
        also: Tally of a part of the experiment, in which the question counts, too.
    """

    request: Request
    read: Callable[[Completion], object] = field(compare=False)
    also: Tally | None = field(default=None, compare=False)


def ask(backend: Backend, questions: Sequence[Question], tally: Tally) -> list[object | None]:
    """Ask all questions in one batch; then, in further batches, those whose answers could not be read.

    A question asked again gets a seed of its own, derived from the first.

    Returns:
        What each reader made of its answer; None where no answer could be read.
    """
    answers: list[object | None] = [None] * len(questions)
    waiting = list(range(len(questions)))
    for attempt in range(1 + ASKED_AGAIN):
        if not waiting:
            break
        requests = [_again(questions[i].request, attempt) for i in waiting]
        completions = backend.complete(requests)
        readable = []
        for i, completion in zip(waiting, completions, strict=True):
            cost = Tally(1, 0, 0, completion.usage.prompt, completion.usage.completion)
            try:
                answers[i] = questions[i].read(completion)
            except ValueError:
                cost.unreadable = 1
                cost.missing = int(attempt == ASKED_AGAIN)
            readable.append(not cost.unreadable)
            for of in filter(None, (tally, questions[i].also)):
                of.add(cost)
        backend.judged(requests, readable)
        waiting = [i for i, good in zip(waiting, readable, strict=True) if not good]
    return answers


def _again(request: Request, attempt: int) -> Request:
    return request if attempt == 0 else replace(request, seed=derive_seed(request.seed, "again", attempt))
