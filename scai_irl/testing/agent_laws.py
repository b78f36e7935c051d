"""Laws of agents, with and without a posterior; the phrasebook is their language model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from envs import Policy, mixture
from envs.seeds import derive_seed
from inference import DiscretePosterior, named_norms
from scai_irl.agents.agent import Agent, Situation, Transcripts
from scai_irl.agents.registry import AGENTS, get_agent
from scai_irl.agents.verbal_policies import VerbalPolicies
from scai_irl.backends.phrasebook.backend import Phrasebook
from scai_irl.language.asking import Style
from scai_irl.language.games import Game
from scai_irl.language.phrases import read_policy
from scai_irl.lm.ask import Answers, Question, ask
from scai_irl.lm.rounds import in_rounds
from scai_irl.lm.tally import Tally

_ASSISTANTS = 3
_BELIEFS = ((0.2, 0.3, 0.5), (1.0, 0.0, 0.0), (0.1, 0.8, 0.1), (1 / 3, 1 / 3, 1 / 3))
_USERS = mixture({"selfish": 0.25, "fair": 0.75}).policy(120.0, 0.05)


class AgentContract:
    """Laws of one agent.

    Attributes:
        name: Name in `scai_irl.agents.registry.AGENTS`.
    """

    name: ClassVar[str]

    @pytest.fixture
    def agent(self) -> Agent:
        """Look up the agent."""
        return get_agent(self.name)

    @pytest.fixture(params=[1, 3])
    def epoch(self, request: pytest.FixtureRequest) -> int:
        """Give the first epoch, and a later one."""
        number: int = request.param
        return number

    def test_it_is_registered_under_its_own_name_with_a_summary(self, agent: Agent) -> None:
        assert AGENTS[agent.name] is agent
        assert agent.summary

    def test_every_assistant_of_every_run_gets_a_verbal_policy(self, agent: Agent, epoch: int) -> None:
        chosen, _ = choose(agent, situation(epoch))
        assert [len(of_run) for of_run in chosen.texts] == [_ASSISTANTS] * len(_BELIEFS)
        assert [len(of_run) for of_run in chosen.policies] == [_ASSISTANTS] * len(_BELIEFS)
        assert len(chosen.beliefs) == len(_BELIEFS)
        for text in (text for of_run in chosen.texts for text in of_run):
            assert _can_be_followed(read_policy(text or ""))

    def test_a_policy_and_its_text_say_the_same(self, agent: Agent) -> None:
        chosen, _ = choose(agent, situation(1))
        for texts, policies in zip(chosen.texts, chosen.policies, strict=True):
            for text, policy in zip(texts, policies, strict=True):
                assert policy is None or read_policy(text or "") == policy

    def test_the_same_situation_gives_the_same_choice(self, agent: Agent, epoch: int) -> None:
        assert choose(agent, situation(epoch)) == choose(agent, situation(epoch))

    def test_rounds_do_not_depend_on_the_number_of_runs(self, agent: Agent, epoch: int) -> None:
        _, rounds = choose(agent, situation(epoch))
        assert choose(agent, situation(epoch, runs=1))[1] == rounds

    def test_a_run_chooses_alone_as_with_others(self, agent: Agent, epoch: int) -> None:
        together, _ = choose(agent, situation(epoch))
        alone, _ = choose(agent, situation(epoch, runs=1))
        assert alone.policies == together.policies[:1]
        assert alone.texts == together.texts[:1]


def situation(epoch: int, runs: int = len(_BELIEFS)) -> Situation:
    """Make a situation in which runs differ in beliefs and evidence."""
    rows = np.array(_BELIEFS[:runs], np.float32)
    with np.errstate(divide="ignore"):
        log_prob = jnp.asarray(np.log(rows))
    interactions = tuple(
        tuple((Game("dollars", 10, "user", "assistant", 4 + run, True),) * 2 for _ in range(epoch - 1))
        for run in range(runs)
    )
    texts = tuple("Keep half." if epoch > 1 else None for _ in range(runs))
    return Situation(
        epoch=epoch,
        assistants=_ASSISTANTS,
        run_numbers=jnp.arange(runs),
        posterior=DiscretePosterior(named_norms(), log_prob, jnp.zeros(runs)),
        users_policies=(_USERS,) * runs,
        transcripts=Transcripts(interactions, texts, (None,) * runs),
        key=jax.random.key(0),
        seed=lambda run, *path: derive_seed(0, run, epoch, *path),
        style=Style(),
    )


def choose(agent: Agent, now: Situation) -> tuple[VerbalPolicies, int]:
    """Execute an agent's plan; return its choice and the number of rounds of questions."""
    rounds = 0

    def answer(questions: Sequence[Question]) -> Answers:
        nonlocal rounds
        rounds += bool(questions)
        return ask(Phrasebook(), questions, Tally())

    (chosen,) = in_rounds([agent.plan(now)], answer)
    return chosen, rounds


def _can_be_followed(policy: Policy) -> bool:
    offers = np.exp(np.asarray(policy.table(jnp.asarray([10])).offer, np.float64))
    return bool(abs(offers.sum() - 1) < 1e-4)
