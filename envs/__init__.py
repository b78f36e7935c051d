"""What happens: contextual MDPs, utilities, planning, policies and populations of users.

This floor needs jax alone and knows neither inference nor language models.
"""

from envs.contexts import CURRENCIES, MANNERS, Context, context
from envs.norms import Norm, Policy
from envs.population import Population, mixture, one_group
from envs.registry import ENVIRONMENTS, make
from envs.schedule import GROUPS, Schedule
from envs.seeds import derive_key, derive_seed
from envs.simulate import Plays, simulate
from envs.ultimatum import UltimatumGame
from envs.utilities import UTILITIES

__all__ = [
    "CURRENCIES",
    "ENVIRONMENTS",
    "GROUPS",
    "MANNERS",
    "UTILITIES",
    "Context",
    "Norm",
    "Plays",
    "Policy",
    "Population",
    "Schedule",
    "UltimatumGame",
    "context",
    "derive_key",
    "derive_seed",
    "make",
    "mixture",
    "one_group",
    "simulate",
]
