"""Contextual MDPs, utilities, planning, policies and populations of users.

This package needs only JAX. It does not depend on inference or language models.
"""

from envs.contexts import CURRENCIES, MANNERS, Context, context
from envs.controllable import ControllableUltimatum
from envs.episodes import Episode, plan, roll_out
from envs.policy import Norm, Policy
from envs.population import Population, mixture, one_group
from envs.precision import keep_single_precision
from envs.registry import ENVIRONMENTS, make
from envs.schedule import GROUPS, Schedule
from envs.seeds import derive_key, derive_seed
from envs.simulate import Plays, simulate
from envs.soft_values import StationaryPlan, look_ahead, soft_value_iteration
from envs.ultimatum import UltimatumGame
from envs.utilities import UTILITIES

keep_single_precision()

__all__ = [
    "CURRENCIES",
    "ENVIRONMENTS",
    "GROUPS",
    "MANNERS",
    "UTILITIES",
    "Context",
    "ControllableUltimatum",
    "Episode",
    "Norm",
    "Plays",
    "Policy",
    "Population",
    "Schedule",
    "StationaryPlan",
    "UltimatumGame",
    "context",
    "derive_key",
    "derive_seed",
    "keep_single_precision",
    "look_ahead",
    "make",
    "mixture",
    "one_group",
    "plan",
    "roll_out",
    "simulate",
    "soft_value_iteration",
]
