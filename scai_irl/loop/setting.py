"""What an experiment on a group's norm varies and what it holds fixed."""

from __future__ import annotations

from dataclasses import dataclass, field

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from envs.policy import Policy
from envs.population import Population
from envs.schedule import Schedule
from envs.utilities import UTILITIES
from inference import Hypotheses
from scai_irl.agents.users import UsersBy
from scai_irl.language.asking import Style


@dataclass(frozen=True)
class Condition:
    """One cell of an experiment's design: who the users are, and how the assistants choose.

    Attributes:
        population: Norms of the users.
        agent: Name in `scai_irl.agents.posterior_agents.AGENTS` or `scai_irl.agents.text_agents.WRITERS`.
        manner: How users talk, one of `envs.contexts.MANNERS`; empty where they say nothing.
        later: Populations that take the first one's place, each with the epoch from which it is there, in order.
    """

    population: Population
    agent: str
    manner: str = ""
    later: tuple[tuple[int, Population], ...] = ()

    def in_epoch(self, epoch: int) -> Population:
        """Who the users are in an epoch."""
        return [self.population, *(others for first, others in self.later if first <= epoch)][-1]

    @property
    def users(self) -> str:
        """The population in a word or two, such as ``fair`` or ``selfish=0.2,altruistic=0.8``.

        Example:
            >>> Condition(Population(("selfish", "fair"), (0.5, 0.5)), "map").users
            'selfish=0.5,fair=0.5'
            >>> Condition(Population(("fair",), (1.0,)), "map", later=((4, Population(("selfish",), (1.0,))),)).users
            'fair, from 4 selfish'
        """
        later = (f", from {first} {in_words(others)}" for first, others in self.later)
        return "".join((in_words(self.population), *later))

    @property
    def users_and_manner(self) -> str:
        """The population, and how it talks, such as ``fair, rude``."""
        return f"{self.users}, {self.manner}" if self.manner else self.users

    def name(self, group: str) -> str:
        """Name of the condition in one group."""
        return f"{self.users} {group} {self.agent}{' ' if self.manner else ''}{self.manner}"


def in_words(population: Population) -> str:
    """Name a population: by its norm, or by its norms and their weights."""
    if len(population.norms) == 1:
        return population.norms[0]
    pairs = zip(population.norms, population.weights, strict=True)
    return ",".join(f"{norm}={weight:g}" for norm, weight in pairs)


@dataclass(frozen=True)
class Setting:
    """Everything that determines an experiment's numbers.

    Attributes:
        experiment: Name, the first word of every draw's path.
        seed: Root seed.
        conditions: Cells of the design, played in every group.
        schedules: Groups.
        runs: Number of each run.
        epochs: Epochs of a run.
        currencies: Currencies of which each run has one.
        stakes: Smallest and largest stake; each epoch has one.
        rationality: λ of the users.
        lapse: ε of the users.
        hypotheses: What the assistants think possible.
        style: How language models are asked.
        users_by: Who plays the users: a simulation, or the language model.
        hazard: Chance with which assistants expect the users' norm to have changed since the last epoch.
        strict: Whether assistants must refuse offers that go against their own policy.
    """

    experiment: str
    seed: int
    conditions: tuple[Condition, ...]
    schedules: tuple[Schedule, ...]
    runs: tuple[int, ...]
    epochs: int
    currencies: tuple[str, ...]
    stakes: tuple[int, int]
    rationality: float
    lapse: float
    hypotheses: Hypotheses = field(compare=False)
    style: Style = field(default_factory=Style)
    users_by: UsersBy = "simulation"
    hazard: float = 0.0
    strict: bool = False

    @property
    def user_norms(self) -> tuple[str, ...]:
        """Norms that a user may hold: all that need no parameters, whichever occur.

        A user's norm is drawn among these, so that the draws of a condition do not depend on the conditions beside it.
        """
        return tuple(name for name, utility in UTILITIES.items() if not utility.parameters)

    @property
    def rows(self) -> int:
        """Runs of all conditions, which are played together: conditions × runs, the condition running slowest."""
        return len(self.conditions) * len(self.runs)

    @property
    def run_of_row(self) -> Int[Array, "row"]:
        """Number of each row's run."""
        return jnp.tile(jnp.asarray(self.runs), len(self.conditions))

    @property
    def condition_of_row(self) -> list[Condition]:
        """Condition of each row."""
        return [condition for condition in self.conditions for _ in self.runs]

    def weights_of_row(self, epoch: int) -> Float[Array, "row norm"]:
        """Weight of each of `user_norms` in each row's population in an epoch."""
        weights = np.zeros((self.rows, len(self.user_norms)), np.float32)
        for row, condition in enumerate(self.condition_of_row):
            for norm, weight in zip(*condition.in_epoch(epoch), strict=True):
                weights[row, self.user_norms.index(norm)] = weight
        return jnp.asarray(weights)

    def truth(self, condition: Condition, epoch: int) -> Policy:
        """State the policy that a condition's users follow in an epoch."""
        return condition.in_epoch(epoch).policy(self.rationality, self.lapse)
