"""Contract tests that a plug-in's own tests inherit.

Each class contains the laws of one kind of object. A subclass names the object, and pytest runs every law on it:

    from scai_irl.testing import EnvironmentContract

    class TestDictator(EnvironmentContract):
        name = "dictator"

The name is looked up in the registry, so the entry point is tested as well. This module needs pytest. It is the only
one that does.
"""

import pytest

_KINDS = ("agent", "backend", "continuous_family", "environment", "experiment", "family", "method", "utility")
pytest.register_assert_rewrite(*(f"{__name__}.{kind}_laws" for kind in _KINDS))

from scai_irl.testing.agent_laws import AgentContract
from scai_irl.testing.backend_laws import BackendContract, ModelContract
from scai_irl.testing.continuous_family_laws import ContinuousFamilyContract
from scai_irl.testing.environment_laws import EnvironmentContract
from scai_irl.testing.experiment_laws import ExperimentContract
from scai_irl.testing.family_laws import FamilyContract
from scai_irl.testing.method_laws import MethodContract
from scai_irl.testing.utility_laws import UtilityContract

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
