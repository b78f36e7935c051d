"""What a backend is told: where the model is, how it samples, and how patient we are with it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class LmSettings:
    """Settings of a language model; each backend takes what it needs.

    Attributes:
        model: Name of the model, or its folder; empty for the only one that a server has.
        urls: Servers of that model, each an OpenAI-compatible API.
        api_key: Key of the servers; None for ``SCAI_IRL_API_KEY``.
        concurrency: Requests in flight at each server, on average.
        timeout: Seconds after which a request is given up, and asked again.
        attempts: Times that a request is sent, before a run stops.
        pause: Seconds, on average, before it is sent again the first time; twice as long each time after that.
        replay: Results folder whose recorded calls answer.
        tensor_parallel: GPUs that share one copy of a model that runs in this process.
        engine: Further settings of vLLM for such a model, by their names in vLLM.
    """

    model: str = ""
    urls: tuple[str, ...] = ("http://127.0.0.1:8000",)
    api_key: str | None = None
    concurrency: int = 128
    timeout: float = 120.0
    attempts: int = 6
    pause: float = 1.0
    replay: Path | None = None
    tensor_parallel: int = 1
    engine: Mapping[str, Any] = field(default_factory=dict)


def read_engine(words: Sequence[str]) -> dict[str, Any]:
    """Read settings of vLLM's engine, each written as its name and, after ``=``, its value in JSON or as it is.

    Raises:
        ValueError: If one has no name or no value, or is given twice.

    Example:
        >>> read_engine(["max_model_len=4096", "enforce-eager=true", "quantization=fp8"])
        {'max_model_len': 4096, 'enforce_eager': True, 'quantization': 'fp8'}
    """
    found: dict[str, Any] = {}
    for word in words:
        name, _, value = word.partition("=")
        name = name.replace("-", "_")
        if not name.isidentifier() or not value:
            raise ValueError(f"{word!r} is no setting; write it as name=value")
        if name in found:
            raise ValueError(f"{name} is given twice; give it once")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found
