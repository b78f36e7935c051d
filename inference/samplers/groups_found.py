"""Summaries of a posterior over groups: assignment of users, and the norm of each group."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int
from scipy.optimize import linear_sum_assignment

from inference.continuous.groups import NormGroups
from inference.samplers.compiled import program
from inference.samplers.fit import from_coordinates
from inference.samplers.posterior import SampledPosterior

_MOST_PASSES = 50
_SMALLEST = 1e-12


@dataclass(frozen=True)
class GroupsFound:
    """Groups of one run, in the same order for all draws, the largest first.

    Attributes:
        weight: Mean weight of each group.
        weight_interval: Its 90 % interval.
        assignment: Probability that each user is in each group.
        norms: Posterior over each group's norm, over the base family.
        in_use: Mean number of groups with at least one user.
    """

    weight: Float[np.ndarray, "group"]
    weight_interval: Float[np.ndarray, "group 2"]
    assignment: Float[np.ndarray, "user group"]
    norms: tuple[SampledPosterior, ...]
    in_use: float

    def group_of(self, user: int) -> int:
        """Compute the most probable group of a user."""
        return int(self.assignment[user].argmax())


def groups_found(posterior: SampledPosterior, run: int = 0) -> GroupsFound:
    """Align the groups of all draws of a run, and summarise them.

    The likelihood does not depend on the numbering of groups, so it can differ between draws. Draws are relabelled to
    minimise the Kullback–Leibler divergence of their assignment probabilities from the mean (Stephens 2000, JRSS B
    62(4), algorithm 2). The best order of each draw is an assignment problem, which is solved exactly.

    Args:
        posterior: Posterior over a `NormGroups` family.
        run: Number of the run.

    Raises:
        TypeError: If the posterior is over another family.
    """
    family = posterior.family
    if not isinstance(family, NormGroups):
        raise TypeError("groups_found: a posterior over NormGroups is needed")
    seen = jax.tree.map(lambda leaf: jnp.asarray(leaf)[run], posterior.seen)
    u = jnp.asarray(posterior.fit.u)[run]
    chance, weight, coordinates = (np.asarray(part) for part in _of_draws(family, u.reshape(-1, u.shape[-1]), seen))
    draw_weight = posterior.weights[run].reshape(-1)
    order = relabel(chance, draw_weight)
    chance = np.take_along_axis(chance, order[:, None, :], axis=2)
    weight = np.take_along_axis(weight, order, axis=1)
    coordinates = np.take_along_axis(coordinates, order[:, :, None], axis=1)
    assignment = np.einsum("d,dug->ug", draw_weight, chance)
    largest_first = np.argsort(-assignment.sum(axis=0), kind="stable")
    shape = u.shape[:2]
    norms = tuple(_norm(posterior, run, coordinates[:, g].reshape(*shape, -1)) for g in largest_first)
    ends = np.quantile(weight[:, largest_first], [0.05, 0.95], axis=0, weights=draw_weight, method="inverted_cdf")
    hard = chance.argmax(axis=2)
    in_use = float(draw_weight @ np.array([len(np.unique(row)) for row in hard]))
    mean = draw_weight @ weight
    return GroupsFound(mean[largest_first], ends.T, assignment[:, largest_first], norms, in_use)


def relabel(
    chance: Float[np.ndarray, "draw user group"], draw_weight: Float[np.ndarray, "draw"]
) -> Int[np.ndarray, "draw group"]:
    """Find an order of groups for each draw by Stephens' algorithm; entry (d, g) is draw d's group with label g."""
    draws, _, groups = chance.shape
    order = np.tile(np.arange(groups), (draws, 1))
    log_chance = np.log(np.maximum(chance, _SMALLEST))
    entropy = np.einsum("dug,dug->dg", chance, log_chance)
    reference = chance[np.argmax(draw_weight)]
    for _ in range(_MOST_PASSES):
        log_mean = np.log(np.maximum(reference, _SMALLEST))
        cost = entropy[:, None, :] - np.einsum("dug,uh->dhg", chance, log_mean)
        new = np.stack([linear_sum_assignment(of_draw)[1] for of_draw in cost])
        reference = np.einsum("d,dug->ug", draw_weight, np.take_along_axis(chance, new[:, None, :], axis=2))
        if (new == order).all():
            break
        order = new
    return order


def _norm(posterior: SampledPosterior, run: int, coordinates: np.ndarray) -> SampledPosterior:
    family: Any = posterior.family
    fit = from_coordinates(coordinates[None], np.asarray(posterior.fit.log_weight)[run : run + 1])
    return replace(posterior, family=family.base, fit=fit, seen=None, data=None)


@program("family")
def _of_draws(
    family: NormGroups, u: Float[Array, "draw dim"], seen: Any
) -> tuple[Float[Array, "draw user group"], Float[Array, "draw group"], Float[Array, "draw group base_dim"]]:
    summary = family.summarise(seen)

    def one(at: Array) -> tuple[Array, Array, Array]:
        chance = jax.nn.softmax(family.log_joint_of_users(family.theta(at), summary), axis=1)
        return chance, family.weight(at), family.coordinates_of_groups(at)

    chance, weight, coordinates = jax.lax.map(one, u, batch_size=64)
    return chance, weight, coordinates
