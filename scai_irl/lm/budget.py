"""A hard limit on calls and tokens: no request is sent that could exceed it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scai_irl.io.errors import InputError
from scai_irl.lm.protocol import Backend, Completion, OnDone, Request

_MARKS = 16  # tokens that a chat template may add to a message


@dataclass(frozen=True)
class Budget:
    """Limits on the calls and tokens of an experiment, over all its sessions.

    Attributes:
        calls: Calls; None for no limit.
        tokens: Tokens read and written; None for no limit.
    """

    calls: int | None = None
    tokens: int | None = None


def most_tokens(request: Request) -> int:
    """Return an upper bound on a request's tokens: no tokeniser makes more tokens of a prompt than it has bytes.

    Example:
        >>> from scai_irl.lm.protocol import Message, Sampling
        >>> most_tokens(Request((Message("user", "Hello"),), seed=1, sampling=Sampling(max_tokens=10)))
        31
    """
    prompt = sum(len(message.content.encode("utf-8", "surrogatepass")) + _MARKS for message in request.messages)
    if request.labels:
        return sum(prompt + len(label.encode()) + _MARKS for label in request.labels)
    return prompt + request.sampling.max_tokens


class Limited(Backend):
    """Decorator of a backend that respects a budget; a batch beyond the budget is answered as far as it fits.

    Args:
        inner: Backend that answers.
        budget: The limits.
        calls: Calls made in earlier sessions.
        tokens: Tokens spent in them.
    """

    def __init__(self, inner: Backend, budget: Budget, calls: int = 0, tokens: int = 0) -> None:
        self._inner, self._budget = inner, budget
        self._calls, self._tokens = calls, tokens
        self.name, self.features = inner.name, inner.features

    @property
    def model(self) -> str:
        """Return the inner backend's model."""
        return self._inner.model

    def complete(self, requests: Sequence[Request], on_done: OnDone | None = None) -> list[Completion]:
        """Answer every request.

        Raises:
            InputError: If the budget does not suffice; earlier answers have been passed to ``on_done``.
        """
        answers: list[Completion] = []
        while len(answers) < len(requests):
            start = len(answers)
            count = self._fitting(requests[start:])
            if count == 0:
                raise InputError(
                    "budget", self._state(), "give a larger one and run the same command again: it resumes"
                )

            def done(index: int, completion: Completion, start: int = start) -> None:
                if on_done is not None:
                    on_done(start + index, completion)

            some = self._inner.complete(requests[start : start + count], done)
            self._calls += len(some)
            self._tokens += sum(one.usage.prompt + one.usage.completion for one in some)
            answers += some
        return answers

    def _fitting(self, requests: Sequence[Request]) -> int:
        """Return the number of leading requests that cannot exceed the budget."""
        calls, tokens = self._calls, self._tokens
        for number, request in enumerate(requests):
            calls, tokens = calls + 1, tokens + most_tokens(request)
            if self._budget.calls is not None and calls > self._budget.calls:
                return number
            if self._budget.tokens is not None and tokens > self._budget.tokens:
                return number
        return len(requests)

    def _state(self) -> str:
        limits = [
            f"{spent} of {limit} {what}"
            for spent, limit, what in (
                (self._calls, self._budget.calls, "calls"),
                (self._tokens, self._budget.tokens, "tokens"),
            )
            if limit is not None
        ]
        return f"the next call could exceed it ({' and '.join(limits)} spent)"

    def judged(self, requests: Sequence[Request], readable: Sequence[bool]) -> None:
        """Pass on to the inner backend which answers could be read."""
        self._inner.judged(requests, readable)

    def service(self) -> dict[str, int]:
        """Return the inner backend's counts."""
        return self._inner.service()

    def close(self) -> None:
        """Close the inner backend."""
        self._inner.close()
