"""Construction of requests and reading of answers: an instruction, fenced data, and the form of the answer.

Text that a user may have written appears only in the data, and is cut at `LONGEST_TEXT` characters.
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
"""Most characters of one text in a prompt; longer texts are cut, with a note."""

Schema = dict[str, Any]
"""A JSON schema."""

TEXT: Schema = {"type": "string"}
"""Text of any length up to `Style.max_tokens`. With a ``maxLength``, vLLM was 47 times slower."""


@dataclass(frozen=True)
class Style:
    """Wording of a request and settings of its sampler.

    Attributes:
        wording: Number of the instruction's wording, from 1.
        temperature: Temperature of the sampler; 1 is the model's own distribution, 0 its most probable answer.
        max_tokens: Most tokens in an answer.
    """

    wording: int = 1
    temperature: float = 1.0
    max_tokens: int = 512


def make_request(kind: Kind, data: Mapping[str, Any], form: Mapping[str, Schema], seed: int, style: Style) -> Request:
    """Return a request for a JSON object.

    Args:
        kind: Kind of request; the phrasebook reads it from the data as ``task``.
        data: Data of the request.
        form: Schema of each entry of the answer; all entries are required.
        seed: Seed of the sampler.
        style: Wording and sampler.
    """
    schema = {"type": "object", "properties": dict(form), "required": list(form), "additionalProperties": False}
    sampling = Sampling(style.temperature, style.max_tokens)
    return Request(conversation(kind, data, style), seed, sampling, Structure("json", schema))


def conversation(kind: Kind, data: Mapping[str, Any], style: Style) -> tuple[Message, ...]:
    """Return the instruction and the fenced data as messages."""
    return (
        Message("system", instruction(kind, style.wording)),
        Message("user", fence({"task": kind, **data})),
    )


def shown(text: str) -> str:
    """Cut a text that is too long for a prompt.

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
    """Read an answer that is a JSON object with exactly these entries.

    Raises:
        ValueError: If the answer has another form.
    """
    wanted = " and ".join(map(repr, names))
    try:
        # Models write raw line breaks and tabs into strings, and servers that enforce a schema allow it.
        answer = json.loads(completion.text, strict=False)
    except (ValueError, RecursionError) as problem:
        raise ValueError(f"no JSON object with {wanted} in {completion.text[:80]!r}") from problem
    if not isinstance(answer, dict) or set(answer) != set(names):
        raise ValueError(f"no JSON object with {wanted} alone in {completion.text[:80]!r}")
    return answer


def entry(answer: Mapping[str, Any], name: str, kind: type) -> Any:
    """Return an entry of exactly this type.

    Raises:
        ValueError: If the entry has another type.
    """
    value = answer[name]
    if type(value) is not kind:  # bool is an int in Python, but True is not an offer
        raise ValueError(f"{name!r} is {value!r} and no {kind.__name__}")
    return value


def text_entry(answer: Mapping[str, Any], name: str) -> str:
    """Return an entry that is text, not empty, and can be encoded in a file.

    Raises:
        ValueError: If the entry is not such a text.
    """
    text = str(entry(answer, name, str))
    if not text.strip():
        raise ValueError(f"{name!r} is empty")
    text.encode()  # an escaped lone surrogate is legal JSON, but cannot be encoded
    return text
