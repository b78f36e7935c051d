"""Environments by name: this project's own, and those of plug-ins (group ``scai_irl.environments``)."""

from __future__ import annotations

from envs.cmdp import ContextualMDP
from envs.controllable import ControllableUltimatum
from envs.plugins import Registry
from envs.ultimatum import UltimatumGame

ENVIRONMENTS: Registry[type[ContextualMDP]] = Registry(
    "environment",
    "scai_irl.environments",
    type,
    {"ultimatum": UltimatumGame, "controllable-ultimatum": ControllableUltimatum},
)
"""Environment classes by name."""


def make(environment: str | ContextualMDP) -> ContextualMDP:
    """Make an environment from its name; an environment is returned unchanged.

    Raises:
        ValueError: If no environment has that name.

    Example:
        >>> make("ultimatum").horizon
        2
    """
    return ENVIRONMENTS.look_up(environment)() if isinstance(environment, str) else environment
