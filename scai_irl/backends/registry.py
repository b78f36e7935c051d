"""Backends by name: this project's own, and those that plug-ins add by the group ``scai_irl.backends``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from envs.plugins import Registry
from scai_irl.backends.phrasebook.backend import Phrasebook
from scai_irl.lm.protocol import Backend
from scai_irl.lm.replay import Replay
from scai_irl.lm.settings import LmSettings

SERVED = "vllm-server"
"""Name of the server backend, importable without loading its client."""


@dataclass(frozen=True)
class BackendKind:
    """A kind of backend.

    Attributes:
        name: Key in `BACKENDS`.
        summary: One line for ``scai-irl list``.
        make: Makes one from settings.
    """

    name: str
    summary: str
    make: Callable[[LmSettings], Backend]


def _vllm_server(settings: LmSettings) -> Backend:
    from scai_irl.backends.vllm.server import VllmServer  # noqa: PLC0415 - its client takes a second to import

    return VllmServer(settings)


def _vllm_offline(settings: LmSettings) -> Backend:
    from scai_irl.backends.vllm.offline import VllmOffline  # noqa: PLC0415 - it shares code with the server's client

    return VllmOffline(settings)


def _embedded(settings: LmSettings) -> Backend:
    from scai_irl.backends.embedded import Embedded  # noqa: PLC0415 - its tokenizer and templates take a while to import

    return Embedded(settings)


_OWN = (
    BackendKind("phrasebook", "a translator by rule that loses nothing and needs no model", lambda _: Phrasebook()),
    BackendKind(SERVED, "one or several vLLM servers, or any OpenAI-compatible API", _vllm_server),
    BackendKind("vllm-offline", "vLLM in this process, without a server", _vllm_offline),
    BackendKind("embedded", "a small model in this process: a folder of weights", _embedded),
    BackendKind("replay", "recorded calls of an earlier run, without any model", Replay),
)

BACKENDS: Registry[BackendKind] = Registry(
    "backend", "scai_irl.backends", BackendKind, {kind.name: kind for kind in _OWN}
)
"""Backends by name."""


def make_backend(name: str, settings: LmSettings | None = None) -> Backend:
    """Make a backend.

    Args:
        name: Its name.
        settings: Where the model is and how it is asked; the defaults if not given.

    Raises:
        ValueError: If there is none of that name.
        InputError: If the settings do not fit.

    Example:
        >>> make_backend("phrasebook").name
        'phrasebook'
    """
    return get_backend(name).make(settings or LmSettings())


def get_backend(name: str) -> BackendKind:
    """Look a kind of backend up.

    Raises:
        ValueError: If there is none of that name.
    """
    return BACKENDS.look_up(name)
