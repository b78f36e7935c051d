"""Send requests to a backend, parse every answer, and repeat failed requests a bounded number of times."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field, replace

from envs.seeds import derive_seed
from scai_irl.lm.protocol import Backend, Completion, Request
from scai_irl.lm.tally import Costs, Tally

ASKED_AGAIN = 2
"""Number of times that a request is repeated if its answer cannot be parsed."""

Answers = list[object | None]
"""Parsed answers; None where no answer could be parsed."""


@dataclass(frozen=True)
class Question:
    """A request with the parser of its answer.

    Attributes:
        request: The request.
        read: Parser; it raises `ValueError` for an answer that it cannot use.
        account: Part of the experiment that the cost is charged to (`scai_irl.lm.tally.Ledger`).
    """

    request: Request
    read: Callable[[Completion], object] = field(compare=False)
    account: Hashable = field(default=None, compare=False)


Ask = Callable[[Sequence[Question]], Answers]
"""A function that answers questions: `ask` for a given backend and ledger."""


def ask(backend: Backend, questions: Sequence[Question], costs: Costs) -> Answers:
    """Answer all questions in one batch, and repeat in further batches those whose answers cannot be parsed.

    A repeated request gets its own seed, derived from the first.

    Args:
        backend: Model that answers.
        questions: Requests and parsers.
        costs: Tally or ledger that the cost of every call is added to.

    Returns:
        The parsed answers; None where no answer could be parsed.
    """
    answers: Answers = [None] * len(questions)
    pending = list(range(len(questions)))
    for attempt in range(1 + ASKED_AGAIN):
        if not pending:
            break
        requests = [_repeated(questions[i].request, attempt) for i in pending]
        completions = backend.complete(requests)
        readable = []
        for i, completion in zip(pending, completions, strict=True):
            cost = Tally(1, 0, 0, completion.usage.prompt, completion.usage.completion)
            try:
                answers[i] = questions[i].read(completion)
            except ValueError:
                cost.unreadable = 1
                cost.missing = int(attempt == ASKED_AGAIN)
            readable.append(not cost.unreadable)
            costs.charge(cost, questions[i].account)
        backend.judged(requests, readable)
        pending = [i for i, parsed in zip(pending, readable, strict=True) if not parsed]
    return answers


def _repeated(request: Request, attempt: int) -> Request:
    return request if attempt == 0 else replace(request, seed=derive_seed(request.seed, "again", attempt))
