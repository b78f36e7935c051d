"""Every agent of the registry obeys the contract."""

from __future__ import annotations

import pytest

from scai_irl.agents.agent import Agent
from scai_irl.agents.registry import AGENTS
from scai_irl.testing import AgentContract


class TestEveryAgent(AgentContract):
    @pytest.fixture(params=list(AGENTS))
    def agent(self, request: pytest.FixtureRequest) -> Agent:
        return AGENTS[request.param]
