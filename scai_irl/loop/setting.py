"""Settings of an experiment on a group's norm: the design, the groups and everything that stays fixed."""

from __future__ import annotations

from dataclasses import dataclass, field

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from envs.policy import Policy
from envs.population import Population
from envs.schedule import Schedule
from inference import Hypotheses
from inference.discrete.named_families import NAMED_NORMS
from scai_irl.agents.users import UsersBy
from scai_irl.language.asking import Style


@dataclass(frozen=True)
class Condition:
    """One cell of an experiment's design: the users' population and the assistants' agent.

    Attributes:
        population: Norms of the users.
        agent: Name in `scai_irl.agents.registry.AGENTS`.
        manner: Manner in which users talk, one of `envs.contexts.MANNERS`; empty if they are silent.
        later: Populations that replace the first one, each with its first epoch, in order.
    """

    population: Population
    agent: str
    manner: str = ""
    later: tuple[tuple[int, Population], ...] = ()

    def population_in(self, epoch: int) -> Population:
        """Population of the users in an epoch."""
        return [self.population, *(others for first, others in self.later if first <= epoch)][-1]

    @property
    def users(self) -> str:
        """Name of the population, such as ``fair`` or ``selfish=0.2,altruistic=0.8``.

        Example:
            >>> Condition(Population(("selfish", "fair"), (0.5, 0.5)), "map").users
            'selfish=0.5,fair=0.5'
            >>> Condition(Population(("fair",), (1.0,)), "map", later=((4, Population(("selfish",), (1.0,))),)).users
            'fair, from 4 selfish'
        """
        later = (f", from {first} {population_name(others)}" for first, others in self.later)
        return "".join((population_name(self.population), *later))

    @property
    def users_and_manner(self) -> str:
        """Name of the population with its manner, such as ``fair, rude``."""
        return f"{self.users}, {self.manner}" if self.manner else self.users

    def name(self, group: str) -> str:
        """Name of the condition in one group."""
        return f"{self.users} {group} {self.agent}{' ' if self.manner else ''}{self.manner}"


def population_name(population: Population) -> str:
    """Name a population by its norm, or by its norms and their weights."""
    if len(population.norms) == 1:
        return population.norms[0]
    pairs = zip(population.norms, population.weights, strict=True)
    return ",".join(f"{norm}={weight:g}" for norm, weight in pairs)


@dataclass(frozen=True)
class Setting:
    """Everything that determines the numbers of an experiment.

    Attributes:
        experiment: Name; all random seeds derive from it and the root seed.
        seed: Root seed.
        conditions: Cells of the design; every group plays all of them.
        schedules: Groups.
        runs: Number of each run.
        epochs: Epochs of a run.
        currencies: Currencies; each run has one.
        stakes: Smallest and largest stake; each epoch has one.
        rationality: λ of the users.
        lapse: ε of the users.
        hypotheses: Hypotheses of the assistants about the users' policy.
        style: Wording and sampling of requests to language models.
        users_by: Source of the users' behaviour: a simulation or the language model.
        hazard: Probability that assistants assign to a change of the users' norm between two epochs.
        strict: Whether assistants must refuse offers that violate their own policy.
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
        """Norms among which a user's norm is drawn: the three named norms, and own norms of the conditions.

        The named norms do not depend on the conditions, so a condition's draws do not depend on the other conditions.
        (All users of an own norm share it, so nothing is drawn for them.)
        """
        populations = (p for c in self.conditions for _, p in ((0, c.population), *c.later))
        norms = (norm for population in populations for norm in population.norms)
        return tuple(dict.fromkeys((*NAMED_NORMS, *norms)))

    @property
    def rows(self) -> int:
        """Number of rows: conditions × runs, with the runs of a condition next to each other."""
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
            for norm, weight in zip(*condition.population_in(epoch), strict=True):
                weights[row, self.user_norms.index(norm)] = weight
        return jnp.asarray(weights)

    def users_policy(self, condition: Condition, epoch: int) -> Policy:
        """Policy that a condition's users follow in an epoch."""
        return condition.population_in(epoch).policy(self.rationality, self.lapse)
