"""Every agent that chooses by its posterior keeps to the contract."""

from __future__ import annotations

import pytest

from scai_irl.agents.posterior_agents import POSTERIOR_AGENTS, PosteriorAgent
from scai_irl.testing import AgentContract


class TestEveryAgent(AgentContract):
    @pytest.fixture(params=POSTERIOR_AGENTS, ids=lambda agent: agent.name)
    def agent(self, request: pytest.FixtureRequest) -> PosteriorAgent:
        agent: PosteriorAgent = request.param
        return agent
