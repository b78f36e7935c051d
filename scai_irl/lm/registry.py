"""Backends by name; a new backend is one file and one line here, and inherits the contract test."""

from __future__ import annotations

from collections.abc import Callable

from scai_irl.lm.phrasebook import Phrasebook
from scai_irl.lm.protocol import Backend

BACKENDS: dict[str, Callable[[], Backend]] = {Phrasebook.name: Phrasebook}
"""Backends by name."""


def make_backend(name: str) -> Backend:
    """Make a backend.

    Raises:
        ValueError: If there is none of that name.

    Example:
        >>> make_backend("phrasebook").name
        'phrasebook'
    """
    if name not in BACKENDS:
        raise ValueError(f"unknown backend {name!r}; there are {', '.join(BACKENDS)}")
    return BACKENDS[name]()
