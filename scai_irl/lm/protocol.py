"""What every language-model backend understands: a list of requests in, a list of completions out.

Batches come first: a backend is handed all calls of one step of all runs at once and may order them as it likes, but
answers in the order of asking.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Feature = Literal["structure", "log_probs", "labels", "seed"]
"""What a backend may offer: answers of a given form, log-probabilities of what it wrote and of labels, seeds."""


@dataclass(frozen=True)
class Message:
    """One turn of a conversation.

    Attributes:
        role: Who speaks.
        content: What is said.
    """

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True)
class Sampling:
    """How to sample.

    Attributes:
        temperature: 0 takes the most probable token.
        max_tokens: Most tokens in the answer.
        log_probs: Number of alternatives whose log-probabilities are wanted at each token; None for none.
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
        sampling: How to sample.
        structure: Form of the answer.
        labels: Answers of which each one's log-probability is wanted, and nothing written; empty for an answer.
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
        finish_reason: ``stop``; ``length`` when it was cut off; ``empty`` when there was none; ``refused`` when the
            model could not be asked this.
        usage: Tokens spent.
        tokens: The answer's tokens, where log-probabilities were asked for.
        log_probs: Log-probability of each of them, before temperature.
        label_log_probs: Log-probability of each of the request's labels as a whole, given the conversation.
        problem: What the server said of a request that it refused.
    """

    text: str
    finish_reason: str = "stop"
    usage: Usage = field(default_factory=Usage)
    tokens: tuple[str, ...] = ()
    log_probs: tuple[float, ...] = ()
    label_log_probs: tuple[float, ...] = ()
    problem: str = ""


OnDone = Callable[[int, Completion], None]
"""Told of each answer as it comes: the request's place in the batch, and the answer."""


class Backend(ABC):
    """A language model, or something that answers like one.

    Attributes:
        name: Name in the registry.
        features: What it offers beyond plain answers.
        worth_keeping: Whether its calls are kept; not if they can be had again for nothing.
    """

    name: str
    worth_keeping: bool = True
    features: frozenset[Feature] = frozenset()

    @property
    def model(self) -> str:
        """What answers; two backends of one model give the same answers, or are meant to."""
        return self.name

    @abstractmethod
    def complete(self, requests: Sequence[Request], on_done: OnDone | None = None) -> list[Completion]:
        """Answer every request.

        Args:
            requests: All calls of one step.
            on_done: Told of each answer as soon as it is there, in whatever order, from any thread.

        Returns:
            The answers, in the order of asking.

        Raises:
            InputError: If the model cannot be reached, or cannot do what is asked.
        """

    def service(self) -> dict[str, int]:
        """Count what went wrong on the way and was mended: retries, lost replicas; by name."""
        return {}

    def judged(self, requests: Sequence[Request], readable: Sequence[bool]) -> None:  # noqa: B027
        """Be told which answers could be read; a backend that keeps answers keeps that, too."""

    def close(self) -> None:  # noqa: B027
        """Let go of connections."""


def one_by_one(
    requests: Sequence[Request], answer: Callable[[Request], Completion], on_done: OnDone | None
) -> list[Completion]:
    """Answer requests one after the other, for backends that gain nothing from a batch."""
    answers = []
    for place, request in enumerate(requests):
        answers.append(answer(request))
        if on_done is not None:
            on_done(place, answers[-1])
    return answers
