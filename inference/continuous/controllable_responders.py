r"""Responders in the controllable ultimatum game, who plan with a discount or some steps ahead.

The utility of an offer of share x is its payoff minus envy for the shortfall from a norm μ (an equal split by default).
The utility of a rejection is 0:

    U(x) = x − α max(μ − x, 0)

This is the utility of the study (Na et al. 2021) with a constant norm. At μ = 1/2 it is that of Fehr & Schmidt (1999)
with envy α/2 and without guilt; offers of more than half are too few to identify guilt. Responders do not count rounds:
they plan in the endless game of nine offers. *Control* is the probability that they assign to an effect of their
answers on later offers. With control 0 every plan is myopic, so the data carry no information about depth and discount.

Depth and discount both determine the weight of later offers. One can be learnt well only if the other is known.
`Discounting` plans without end and learns γ. `PlanningAhead` assumes a known γ, as in the study, and learns the depth.
For 200 responders drawn from the priors, the correlation of posterior means with the truth is

    decisions                       γ (`Discounting`)   depth (γ = .8 known)   γ and depth, both unknown
    90: ten from each first offer   .93                 .87                    .74 and .44
    40: an episode from offer 5     .90                 .83

so one data set should not be used to infer both. Slow tests repeat the first two columns (γ with 90 decisions only).
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from envs.cmdp import ContextualMDP, TabularMDP
from envs.controllable import NUM_TENTHS, ControllableUltimatum, endless_game
from envs.soft_values import look_ahead, soft_value_iteration
from envs.ultimatum import ACCEPT
from inference.continuous.family import Theta
from inference.continuous.one_shot import LAPSE
from inference.continuous.parameters import Parameter
from inference.continuous.sequential import DISCOUNT, SequentialFamily
from inference.continuous.trajectories import Trajectories, trajectories

ENVY = Parameter("alpha", 0.0, 4.0, meaning="α, weight of an offer's shortfall from the norm")
NORM = Parameter("norm", 0.0, 1.0, meaning="μ, share that counts as fair")
RATIONALITY = Parameter(
    "rationality", low=0.0, location=math.log(20.0), scale=0.5, meaning="λ, inverse temperature per share of the stake"
)
CONTROL = Parameter("control", 0.0, 1.0, meaning="assumed probability that an answer moves the next offer")


@dataclass(frozen=True)
class ControllableFamily(SequentialFamily):
    """Base of the families in the controllable ultimatum game; a subclass defines how far responders plan.

    Attributes:
        fixed: Known parameters; see the subclasses.
        rounds: Rounds of an episode.
    """

    rounds: int = 40

    @property
    def world(self) -> ContextualMDP:
        """The game."""
        return ControllableUltimatum(self.rounds)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Envy, norm, rationality, lapse, control and discount."""
        return (ENVY, NORM, RATIONALITY, LAPSE, CONTROL, DISCOUNT)

    @abstractmethod
    def stationary(self, theta: Theta, believed: TabularMDP) -> Float[Array, "state action"]:
        """Compute log π_θ at each offer, with planning in the game that the responder believes in."""

    def planning_state(self, state: Int[Array, "*n"]) -> Int[Array, "*n"]:
        """Current offer, in any round."""
        return state % NUM_TENTHS

    def summarise(self, seen: Trajectories) -> Float[Array, "state action"]:
        """Count rejections and acceptances of each offer, which suffice for a stationary policy."""
        nothing = jnp.zeros((NUM_TENTHS, 2))
        return nothing.at[self.planning_state(jnp.asarray(seen.state)), seen.action].add(seen.seen)

    def log_likelihood(self, theta: Theta, summary: Float[Array, "state action"]) -> Float[Array, ""]:
        """Compute log p(D | θ) from counts."""
        return jnp.sum(summary * self.log_policy(theta)[0])

    def log_policy(self, theta: Theta) -> Float[Array, "stage state action"]:
        """Plan for the utility of accepted offers."""
        believed = endless_game(theta["control"])
        utility = believed.reward - theta["alpha"] * jnp.maximum(theta["norm"] - believed.reward, 0.0)
        # A reward of 0 is a rejection, because the smallest offer is a tenth.
        valued = believed._replace(reward=jnp.where(believed.reward > 0, utility, 0.0))
        return self.stationary(theta, valued)[None]


@dataclass(frozen=True)
class Discounting(ControllableFamily):
    """Responders who plan without end and discount later rewards.

    Attributes:
        fixed: Known parameters; an equal split as the norm, no lapses and full control unless given.
        sweeps: Sweeps of soft value iteration, that is, the number of rounds that responders anticipate; by default
            those of the usual game.

    Example:
        >>> Discounting().coordinate_names
        ('alpha', 'rationality', 'discount')
    """

    fixed: tuple[tuple[str, float], ...] = (("norm", 0.5), ("lapse", 0.0), ("control", 1.0))
    sweeps: int = 40

    def stationary(self, theta: Theta, believed: TabularMDP) -> Float[Array, "state action"]:
        """Plan by soft value iteration."""
        noise = (theta["rationality"], theta["lapse"], theta["discount"])
        return soft_value_iteration(believed, *noise, sweeps=self.sweeps).log_policy


@dataclass(frozen=True)
class PlanningAhead(ControllableFamily):
    """Responders who look some steps ahead at each decision; the depth is the mode.

    Attributes:
        fixed: Known parameters; those of `Discounting` and the discount of the study unless given.
        deepest: Largest possible depth.

    Example:
        >>> PlanningAhead().coordinate_names, PlanningAhead().mode_labels
        (('alpha', 'rationality'), ('0', '1', '2', '3', '4', '5'))
        >>> PlanningAhead().unfix("discount").coordinate_names
        ('alpha', 'rationality', 'discount')
    """

    fixed: tuple[tuple[str, float], ...] = (("norm", 0.5), ("lapse", 0.0), ("control", 1.0), ("discount", 0.8))
    deepest: int = 5

    mode_name: ClassVar[str | None] = "depth"
    separate_modes: ClassVar[bool] = True

    @property
    def mode_labels(self) -> tuple[str, ...]:
        """Depths."""
        return tuple(str(depth) for depth in range(self.deepest + 1))

    def stationary(self, theta: Theta, believed: TabularMDP) -> Float[Array, "state action"]:
        """Plan by looking ahead."""
        noise = (theta["rationality"], theta["lapse"], theta["discount"])
        return look_ahead(believed, *noise, depth=self.deepest).log_policy[theta["depth"]]


def episodes(starts: Sequence[int], rounds: int = 40, runs: int = 1) -> Trajectories:
    """Make a design for simulation: an episode from each first offer, with all offers accepted.

    Args:
        starts: First offers, in tenths of the stake.
        rounds: Rounds of each episode.
        runs: Number of identical runs.

    Raises:
        ValueError: If a first offer is outside 1..9.

    Example:
        >>> design = episodes([2, 9], rounds=3)
        >>> (design.state % 9 + 1).tolist(), design.first.tolist()
        ([[2, 1, 1, 9, 8, 7]], [[True, False, False, True, False, False]])
    """
    first_offer = np.asarray(starts)
    if not np.isin(first_offer, np.arange(1, NUM_TENTHS + 1)).all():
        raise ValueError(f"starts: {list(starts)} are not all offers; give 1 to {NUM_TENTHS} tenths")
    number = np.arange(rounds)
    offer = np.maximum(first_offer[:, None] - number, 1)
    state = np.tile((NUM_TENTHS * number + offer - 1).reshape(-1), (runs, 1))
    return trajectories(state, ACCEPT, True, np.tile(number == 0, len(first_offer)))
