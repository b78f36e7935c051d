"""Backends that misbehave in a known way, or count how they are called."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from scai_irl.backends.phrasebook.backend import Phrasebook
from scai_irl.lm.protocol import Backend, Completion, OnDone, Request, Usage

GARBAGE = (
    "",
    "I would rather not say.",
    "[" * 100_000,
    '{"offer": true}',
    '{"offer": -1, "accept": 1, "policy": ""}',
    '{"offer": 1e999}',
    '{"offer": 99999999999999999999}',
    '{"accept": "yes"}',
    '{"policy": "half a pair: \\ud83d"}',
    '{"policy": "   "}',
)
"""Answers that no reader accepts."""


@dataclass
class Recording(Backend):
    """A backend that passes requests to another one and records them.

    Attributes:
        batches: Requests of every call of `complete`.
    """

    inner: Phrasebook = field(default_factory=Phrasebook)
    batches: list[list[Request]] = field(default_factory=list)
    name: str = "recording"

    def complete(self, requests: Sequence[Request], on_done: OnDone | None = None) -> list[Completion]:
        """Answer as the inner backend does."""
        self.batches.append(list(requests))
        return self.inner.complete(requests)


@dataclass
class Unreliable(Backend):
    """A backend that answers a share of all requests with garbage. The seeds determine which, and the text.

    Attributes:
        share: Share of garbage.
    """

    share: float
    inner: Phrasebook = field(default_factory=Phrasebook)
    name: str = "unreliable"

    def complete(self, requests: Sequence[Request], on_done: OnDone | None = None) -> list[Completion]:
        """Answer as the inner backend does, or with garbage."""
        return [self._spoil(r, c) for r, c in zip(requests, self.inner.complete(requests), strict=True)]

    def _spoil(self, request: Request, completion: Completion) -> Completion:
        lot = int.from_bytes(hashlib.sha256(f"spoil:{request.seed}".encode()).digest()[:8], "big") / 2**64
        if lot >= self.share:
            return completion
        return replace(completion, text=GARBAGE[request.seed % len(GARBAGE)])


@dataclass
class Contrary(Backend):
    """A backend that proposes and answers the opposite of the verbal policy, but translates faithfully."""

    inner: Phrasebook = field(default_factory=Phrasebook)
    name: str = "contrary"

    def complete(self, requests: Sequence[Request], on_done: OnDone | None = None) -> list[Completion]:
        """Reverse every offer and every answer."""
        return [self._turn(r, c) for r, c in zip(requests, self.inner.complete(requests), strict=True)]

    def _turn(self, request: Request, completion: Completion) -> Completion:
        answer = json.loads(completion.text)
        if "offer" in answer:
            schema = request.structure.value
            assert isinstance(schema, dict)
            answer["offer"] = schema["properties"]["offer"]["maximum"] - answer["offer"]
        elif "accept" in answer:
            answer["accept"] = not answer["accept"]
        return replace(completion, text=json.dumps(answer))


@dataclass
class Scripted(Backend):
    """A backend that answers by a script, and records its batches.

    Attributes:
        answer: Text for a request, given the number of the batch.
    """

    answer: Callable[[Request, int], str]
    batches: list[list[Request]] = field(default_factory=list)
    name: str = "scripted"

    def complete(self, requests: Sequence[Request], on_done: OnDone | None = None) -> list[Completion]:
        """Answer by the script; every call costs 3 tokens of prompt and 2 of completion."""
        self.batches.append(list(requests))
        number = len(self.batches)
        return [Completion(self.answer(request, number), usage=Usage(3, 2)) for request in requests]
