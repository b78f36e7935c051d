"""Environments by name; a new game is one file and one line here, and inherits the contract test."""

from __future__ import annotations

from envs.cmdp import ContextualMDP
from envs.controllable import ControllableUltimatum
from envs.ultimatum import UltimatumGame

ENVIRONMENTS: dict[str, type[ContextualMDP]] = {
    "ultimatum": UltimatumGame,
    "controllable-ultimatum": ControllableUltimatum,
}
"""Environment classes by name."""


def make(name: str) -> ContextualMDP:
    """Make an environment.

    Raises:
        ValueError: If there is none of that name.

    Example:
        >>> make("ultimatum").horizon
        2
    """
    if name not in ENVIRONMENTS:
        raise ValueError(f"unknown environment {name!r}; there are {', '.join(ENVIRONMENTS)}")
    return ENVIRONMENTS[name]()
