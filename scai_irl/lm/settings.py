"""Settings of a backend: the model, its servers, and the limits on time and retries."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class LmSettings:
    """Settings of a language model; each backend uses some of them.

    Attributes:
        model: Name of the model, or its folder; empty for a server's only model.
        urls: Servers of that model, each an OpenAI-compatible API.
        api_key: Key of the servers; None for ``SCAI_IRL_API_KEY``.
        concurrency: Requests in flight at each server, on average.
        timeout: Seconds after which a request is cancelled and sent again.
        attempts: Number of times that a request is sent before the run stops.
        pause: Mean seconds before the first retry; the pause doubles with each further retry.
        replay: Results folder with the recorded calls to replay.
        tensor_parallel: GPUs that share one copy of a model in this process.
        engine: Further settings of vLLM for a model in this process, by their names in vLLM.
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
    """Read settings of vLLM's engine, each written as ``name=value`` with a value in JSON or plain text.

    Raises:
        ValueError: If a setting has no name or no value, or is given twice.

    Example:
        >>> read_engine(["max_model_len=4096", "enforce-eager=true", "quantization=fp8"])
        {'max_model_len': 4096, 'enforce_eager': True, 'quantization': 'fp8'}
    """
    settings: dict[str, Any] = {}
    for word in words:
        name, _, value = word.partition("=")
        name = name.replace("-", "_")
        if not name.isidentifier() or not value:
            raise ValueError(f"{word!r} is not a setting; write it as name=value")
        if name in settings:
            raise ValueError(f"{name} is given twice; give it once")
        try:
            settings[name] = json.loads(value)
        except ValueError:
            settings[name] = value
    return settings
