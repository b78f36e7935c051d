"""The protocol of agents: how the assistants of a condition choose the policies that they follow for an epoch."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from jaxtyping import Array, Int, Key

from envs.policy import Policy
from inference import DiscretePosterior
from scai_irl.agents.verbal_policies import VerbalPolicies
from scai_irl.language.asking import Style
from scai_irl.language.games import Game
from scai_irl.lm.rounds import Plan

Interactions = tuple[Game, ...]
"""Interactions of one run and epoch."""


class SeedOf(Protocol):
    """Function that derives the seed of a request."""

    def __call__(self, run: int, *path: str | int) -> int:
        """Derive a seed.

        Args:
            run: Index of the run within the condition.
            path: Purpose of the request within the run and epoch.
        """
        ...


@dataclass(frozen=True)
class Transcripts:
    """Earlier epochs of all runs of a condition, as an observer sees them.

    Attributes:
        interactions: Interactions of each run, one tuple for each epoch; failed interactions are left out.
        texts: Verbal policy that each run's first assistant followed in the last epoch.
        beliefs: Verbal belief of each run in the last epoch; None where the agent keeps none.
    """

    interactions: tuple[tuple[Interactions, ...], ...]
    texts: tuple[str | None, ...]
    beliefs: tuple[str | None, ...]


@dataclass(frozen=True)
class Situation:
    """State of all runs of a condition at the start of an epoch, from which an agent chooses.

    Attributes:
        epoch: Number of the epoch, from 1.
        assistants: Number of assistants in a run.
        run_numbers: Number of each run; its random key derives from it.
        posterior: Posterior of each run before the epoch.
        users_policies: Policy that each run's users follow; only the oracle reads it.
        transcripts: Earlier epochs.
        key: Random key of the epoch.
        seed: Function that derives the seeds of requests.
        style: Wording and sampling of requests.
        account: Account that the cost of requests is charged to.
    """

    epoch: int
    assistants: int
    run_numbers: Int[Array, "run"]
    posterior: DiscretePosterior
    users_policies: tuple[Policy, ...]
    transcripts: Transcripts
    key: Key[Array, ""]
    seed: SeedOf
    style: Style
    account: Hashable = None

    @property
    def runs(self) -> int:
        """Number of runs."""
        return len(self.users_policies)


@runtime_checkable
class Agent(Protocol):
    """A way to choose the policies of assistants.

    An agent with a posterior is a `scai_irl.agents.posterior_agents.PosteriorAgent`, an agent without one a
    `scai_irl.agents.text_agents.TextAgent`.
    """

    @property
    def name(self) -> str:
        """Name in `scai_irl.agents.registry.AGENTS`."""
        ...

    @property
    def summary(self) -> str:
        """Description in one line."""
        ...

    def plan(self, now: Situation) -> Plan[VerbalPolicies]:
        """Choose the policy of every assistant, in as many rounds of questions as the agent needs.

        Args:
            now: State of the condition's runs.
        """
        ...
