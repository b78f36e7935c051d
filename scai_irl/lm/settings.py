"""What a backend is told: where the model is, how it samples, and how patient we are with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class LmSettings:
    """Settings of a language model; each backend takes what it needs.

    Attributes:
        model: Name of the model, or its folder; empty for the only one that a server has.
        urls: Servers of that model, each an OpenAI-compatible API.
        api_key: Key of the servers; None for ``SCAI_IRL_API_KEY``.
        concurrency: Requests in flight at each server.
        timeout: Seconds after which a request is given up, and asked again.
        attempts: Times that a request is sent, before a run stops.
        pause: Seconds, on average, before it is sent again the first time; twice as long each time after that.
        replay: Results folder whose recorded calls answer.
    """

    model: str = ""
    urls: tuple[str, ...] = ("http://127.0.0.1:8000",)
    api_key: str | None = None
    concurrency: int = 64
    timeout: float = 120.0
    attempts: int = 6
    pause: float = 1.0
    replay: Path | None = None
