"""Contract tests that a plug-in's own tests inherit.

Each class holds the laws of one kind. A subclass names the object, and pytest runs every law on it:

    from scai_irl.testing import EnvironmentContract

    class TestDictator(EnvironmentContract):
        name = "dictator"

The name is looked up in the registry, so the entry point is tested as well. This module needs pytest. It is the only
one that does.
"""

import pytest

pytest.register_assert_rewrite(
    *(
        f"{__name__}.{kind}"
        for kind in ("agents", "backends", "continuous_families", "environments", "experiments", "families", "methods")
    ),
    f"{__name__}.utilities",
)

from scai_irl.testing.agents import AgentContract
from scai_irl.testing.backends import BackendContract, ModelContract
from scai_irl.testing.continuous_families import ContinuousFamilyContract
from scai_irl.testing.environments import EnvironmentContract
from scai_irl.testing.experiments import ExperimentContract
from scai_irl.testing.families import FamilyContract
from scai_irl.testing.methods import MethodContract
from scai_irl.testing.utilities import UtilityContract

__all__ = [
    "AgentContract",
    "BackendContract",
    "ContinuousFamilyContract",
    "EnvironmentContract",
    "ExperimentContract",
    "FamilyContract",
    "MethodContract",
    "ModelContract",
    "UtilityContract",
]
