"""How a request is made: an instruction, fenced data, and the form of the answer; and how the answer is read.

Text that a user may have written goes into the data alone, and is cut where it is longer than anybody reads.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from scai_irl.language.fence import fence
from scai_irl.language.instructions import Kind, instruction
from scai_irl.lm.protocol import Completion, Message, Request, Sampling, Structure

LONGEST_TEXT = 4_000
"""Characters of one piece of text that a prompt shows; longer ones are cut, and say so."""

Schema = dict[str, Any]
"""A JSON schema."""

TEXT: Schema = {"type": "string"}
"""Text as long as `Style.max_tokens` lets it be. With a ``maxLength``, vLLM was 47 times slower."""


@dataclass(frozen=True)
class Style:
    """How a model is asked.

    Attributes:
        wording: Number of the instruction's wording, from 1.
        temperature: Of its sampler; 1 is the model's own distribution, 0 its most probable answer.
        max_tokens: Most tokens in an answer.
    """

    wording: int = 1
    temperature: float = 1.0
    max_tokens: int = 512


def make_request(kind: Kind, data: Mapping[str, Any], form: Mapping[str, Schema], seed: int, style: Style) -> Request:
    """Ask for a JSON object.

    Args:
        kind: What is asked; phrasebooks find it in the data as ``task``.
        data: What it is about.
        form: Schema of each entry of the answer, all of which are required.
        seed: Seed of the sampler.
        style: How it is asked.
    """
    schema = {"type": "object", "properties": dict(form), "required": list(form), "additionalProperties": False}
    sampling = Sampling(style.temperature, style.max_tokens)
    return Request(conversation(kind, data, style), seed, sampling, Structure("json", schema))


def conversation(kind: Kind, data: Mapping[str, Any], style: Style) -> tuple[Message, ...]:
    """An instruction, and the data in their fence."""
    return (
        Message("system", instruction(kind, style.wording)),
        Message("user", fence({"task": kind, **data})),
    )


def shown(text: str) -> str:
    """Cut a text that is too long to be shown.

    Example:
        >>> shown("short")
        'short'
        >>> len(shown("x" * 100_000)) < 4_100
        True
    """
    if len(text) <= LONGEST_TEXT:
        return text
    return f"{text[:LONGEST_TEXT]} [cut here, {len(text) - LONGEST_TEXT} characters more]"


def read_object(completion: Completion, names: tuple[str, ...]) -> dict[str, Any]:
    """Read an answer that is a JSON object with these entries and no others.

    Raises:
        ValueError: If it is not.
    """
    wanted = " and ".join(map(repr, names))
    try:
        # Models write line breaks and tabs into strings as they are, and servers that keep them to a form let them.
        answer = json.loads(completion.text, strict=False)
    except (ValueError, RecursionError) as problem:
        raise ValueError(f"no JSON object with {wanted} in {completion.text[:80]!r}") from problem
    if not isinstance(answer, dict) or set(answer) != set(names):
        raise ValueError(f"no JSON object with {wanted} alone in {completion.text[:80]!r}")
    return answer


def entry(answer: Mapping[str, Any], name: str, kind: type) -> Any:
    """Take an entry of exactly this type.

    Raises:
        ValueError: If it has another.
    """
    value = answer[name]
    if type(value) is not kind:  # bool is an int in Python, and True is no offer
        raise ValueError(f"{name!r} is {value!r} and no {kind.__name__}")
    return value


def text_entry(answer: Mapping[str, Any], name: str) -> str:
    """Take an entry that says something, in characters that a file can hold.

    Raises:
        ValueError: If it does not.
    """
    text = str(entry(answer, name, str))
    if not text.strip():
        raise ValueError(f"{name!r} is empty")
    text.encode()  # half an escaped pair is legal JSON, but no text
    return text
