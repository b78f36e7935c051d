"""The protocol of language-model backends: a list of requests in, a list of completions out.

Calls come in batches: a backend receives all calls of one step of all runs at once. It may process them in any order,
but returns the answers in the order of the requests.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Feature = Literal["structure", "log_probs", "labels", "seed"]
"""Optional feature of a backend: answers of a given form, log-probabilities of its text or of labels, seeds."""


@dataclass(frozen=True)
class Message:
    """One turn of a conversation.

    Attributes:
        role: Speaker.
        content: Text.
    """

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True)
class Sampling:
    """Settings of the sampler.

    Attributes:
        temperature: 0 takes the most probable token.
        max_tokens: Most tokens in the answer.
        log_probs: Number of alternatives whose log-probabilities are returned at each token; None for none.
    """

    temperature: float = 0.0
    max_tokens: int = 256
    log_probs: int | None = None


@dataclass(frozen=True)
class Structure:
    """Form that the answer must have.

    Attributes:
        kind: ``text``, ``json`` (by a JSON schema), ``choice`` (one of several strings) or ``regex``.
        value: Schema, choices or pattern; None for text.
    """

    kind: Literal["text", "json", "choice", "regex"] = "text"
    value: Mapping[str, Any] | Sequence[str] | str | None = None


@dataclass(frozen=True)
class Request:
    """One call of a language model.

    Attributes:
        messages: Conversation so far.
        seed: Seed of the sampler; no two requests of an experiment share one.
        sampling: Settings of the sampler.
        structure: Form of the answer.
        labels: Candidate answers to score by log-probability instead of writing an answer; empty for an answer.
    """

    messages: tuple[Message, ...]
    seed: int
    sampling: Sampling = field(default_factory=Sampling)
    structure: Structure = field(default_factory=Structure)
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Usage:
    """Tokens that a call cost.

    Attributes:
        prompt: Tokens read.
        completion: Tokens written.
    """

    prompt: int = 0
    completion: int = 0


@dataclass(frozen=True)
class Completion:
    """Answer to one request.

    Attributes:
        text: The answer.
        finish_reason: ``stop``; ``length`` if the answer was cut off; ``empty`` if there was none; ``refused`` if the
            server refused the request.
        usage: Tokens spent.
        tokens: The answer's tokens, if log-probabilities were requested.
        log_probs: Log-probability of each token, before temperature.
        label_log_probs: Log-probability of each whole label of the request, given the conversation.
        problem: The server's message about a refused request.
    """

    text: str
    finish_reason: str = "stop"
    usage: Usage = field(default_factory=Usage)
    tokens: tuple[str, ...] = ()
    log_probs: tuple[float, ...] = ()
    label_log_probs: tuple[float, ...] = ()
    problem: str = ""


OnDone = Callable[[int, Completion], None]
"""Callback for each answer as it arrives, with the request's index in the batch and the answer."""


class Backend(ABC):
    """A language model, or a program that answers like one.

    Attributes:
        name: Name in the registry.
        features: Features beyond plain answers.
        worth_keeping: Whether its calls are stored; False if they can be repeated at no cost.
    """

    name: str
    worth_keeping: bool = True
    features: frozenset[Feature] = frozenset()

    @property
    def model(self) -> str:
        """Return the model's name; backends with the same model are meant to give the same answers."""
        return self.name

    @abstractmethod
    def complete(self, requests: Sequence[Request], on_done: OnDone | None = None) -> list[Completion]:
        """Answer every request.

        Args:
            requests: All calls of one step.
            on_done: Called with each answer as soon as it arrives, in any order, from any thread.

        Returns:
            The answers, in the order of the requests.

        Raises:
            InputError: If the model cannot be reached, or lacks a requested feature.
        """

    def service(self) -> dict[str, int]:
        """Return counts of problems that the backend recovered from, by name: retries, lost replicas."""
        return {}

    def judged(self, requests: Sequence[Request], readable: Sequence[bool]) -> None:  # noqa: B027
        """Receive whether each answer could be read; backends that store answers store this, too."""

    def close(self) -> None:  # noqa: B027
        """Close connections."""


def one_by_one(
    requests: Sequence[Request], answer: Callable[[Request], Completion], on_done: OnDone | None
) -> list[Completion]:
    """Answer requests one after the other, for backends that do not profit from batches."""
    answers = []
    for index, request in enumerate(requests):
        answers.append(answer(request))
        if on_done is not None:
            on_done(index, answers[-1])
    return answers
