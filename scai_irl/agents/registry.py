"""Agents by name, with and without a posterior: this project's own, and those of plug-ins (``scai_irl.agents``)."""

from __future__ import annotations

from envs.plugins import Registry
from scai_irl.agents.agent import Agent
from scai_irl.agents.posterior_agents import POSTERIOR_AGENTS
from scai_irl.agents.text_agents import TEXT_AGENTS

_OWN: tuple[Agent, ...] = (*POSTERIOR_AGENTS, *TEXT_AGENTS)

AGENTS: Registry[Agent] = Registry("agent", "scai_irl.agents", Agent, {agent.name: agent for agent in _OWN})
"""Agents by name."""


def get_agent(name: str) -> Agent:
    """Look up an agent.

    Raises:
        ValueError: If there is no agent of that name.

    Example:
        >>> get_agent("thompson").summary
        'one posterior sample for each assistant and epoch'
    """
    return AGENTS.look_up(name)
