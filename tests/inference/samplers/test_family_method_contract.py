"""Every family of the registry obeys the contract under every method for finitely many hypotheses."""

from __future__ import annotations

import pytest

from inference import FAMILIES
from scai_irl.testing import FamilyContract


class TestEveryFamily(FamilyContract):
    @pytest.fixture(params=list(FAMILIES))
    def family_name(self, request: pytest.FixtureRequest) -> str:
        name: str = request.param
        return name
