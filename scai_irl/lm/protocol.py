"""What every language-model backend understands: a list of requests in, a list of completions out.

Batches come first: a backend is handed all calls of one step of all runs at once and may order them as it likes, but
answers in the order of asking.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol


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
    """

    messages: tuple[Message, ...]
    seed: int
    sampling: Sampling = field(default_factory=Sampling)
    structure: Structure = field(default_factory=Structure)


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
        finish_reason: ``stop``, or ``length`` when it was cut off.
        usage: Tokens spent.
        tokens: The answer's tokens, where log-probabilities were asked for.
        log_probs: Log-probability of each of them.
    """

    text: str
    finish_reason: str = "stop"
    usage: Usage = field(default_factory=Usage)
    tokens: tuple[str, ...] = ()
    log_probs: tuple[float, ...] = ()


class Backend(Protocol):
    """A language model, or something that answers like one."""

    @property
    def name(self) -> str:
        """Name in the registry."""
        ...

    def complete(self, requests: Sequence[Request]) -> list[Completion]:
        """Answer every request, in order."""
        ...
