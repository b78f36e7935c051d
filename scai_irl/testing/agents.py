"""The laws of agents that choose by their posterior."""

from __future__ import annotations

from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envs import derive_seed, mixture
from inference import DiscretePosterior, named_norms
from scai_irl.agents.agent import Situation, Transcripts
from scai_irl.agents.posterior_agents import PosteriorAgent
from scai_irl.agents.registry import AGENTS, get_agent
from scai_irl.language.asking import Style

_RUNS, _ASSISTANTS = 4, 3
_TRUTH = mixture({"selfish": 0.25, "fair": 0.75}).policy(120.0, 0.05)


class AgentContract:
    """Laws of one agent.

    Attributes:
        name: Name in `scai_irl.agents.registry.AGENTS`.
    """

    name: ClassVar[str]

    @pytest.fixture
    def agent(self) -> PosteriorAgent:
        """Look the agent up."""
        found = get_agent(self.name)
        assert isinstance(found, PosteriorAgent)
        return found

    def test_it_is_registered_under_its_own_name_with_a_summary(self, agent: PosteriorAgent) -> None:
        assert AGENTS[agent.name] is agent
        assert agent.summary

    def test_every_assistant_of_every_run_gets_a_policy_that_can_be_followed(self, agent: PosteriorAgent) -> None:
        chosen = agent.choose(situation())
        assert [len(of_run) for of_run in chosen] == [_ASSISTANTS] * _RUNS
        for policy in (policy for of_run in chosen for policy in of_run):
            assert sum(weight for weight, _ in policy.parts) == pytest.approx(1, abs=1e-6)
            offers = np.exp(np.asarray(policy.table(jnp.asarray([10])).offer, np.float64))
            assert offers.sum() == pytest.approx(1, abs=1e-4)

    def test_the_same_key_gives_the_same_choice(self, agent: PosteriorAgent) -> None:
        assert agent.choose(situation()) == agent.choose(situation())

    def test_a_run_alone_chooses_as_in_a_batch(self, agent: PosteriorAgent) -> None:
        together = agent.choose(situation())
        for run in range(_RUNS):
            assert agent.choose(situation(slice(run, run + 1))) == together[run : run + 1]


def situation(runs: slice = slice(None)) -> Situation:
    """Make a situation in which runs differ in what they believe."""
    rows = np.array([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0], [0.1, 0.8, 0.1], [1 / 3, 1 / 3, 1 / 3]], np.float32)[runs]
    with np.errstate(divide="ignore"):
        log_prob = jnp.asarray(np.log(rows))
    posterior = DiscretePosterior(named_norms(), log_prob, jnp.zeros(len(rows)))
    nothing = (None,) * len(rows)
    return Situation(
        epoch=1,
        assistants=_ASSISTANTS,
        run_numbers=jnp.arange(_RUNS)[runs],
        posterior=posterior,
        users_policies=(_TRUTH,) * len(rows),
        transcripts=Transcripts(((),) * len(rows), nothing, nothing),
        key=jax.random.key(0),
        seed=lambda run, *path: derive_seed(0, run, *path),
        style=Style(),
    )
