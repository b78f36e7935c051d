"""Societies of users with one of several norms each, and posteriors over each user's norm."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, Key

from envs import Norm, Policy, Population, derive_key
from envs.seeds import keys_of_runs
from envs.society import Meetings, meet
from inference import DiscretePosterior, Evidence, evidence, infer, norm_mixtures, uniform_posterior
from inference.discrete.mixtures import MixtureHypotheses
from inference.discrete.named_families import NAMED_NORMS
from inference.discrete.named_groups import NamedGroups, named_groups

FIRMNESS: dict[str, tuple[float, float]] = {"firmly": (200.0, 0.0), "loosely": (5.0, 0.25)}
"""Firmness of norms: rationality and lapse. Model organisms were trained on both."""

STAKES = (10, 100)
"""Smallest and largest stake."""


@dataclass(frozen=True)
class Societies:
    """Societies of one kind.

    Attributes:
        population: Norms that users hold, with their shares.
        firmness: Key of `FIRMNESS`.
        norm: Norm of each user, as an index into `NAMED_NORMS`; the same in all societies.
        seen: Users' behaviour.
    """

    population: Population
    firmness: str
    norm: Int[np.ndarray, "user"]
    seen: Meetings

    @property
    def count(self) -> int:
        """Number of societies."""
        return int(self.seen.stake.shape[0])

    @property
    def mixtures(self) -> MixtureHypotheses:
        """Mixtures of named norms that are the hypotheses, with the society's firmness."""
        rationality, lapse = FIRMNESS[self.firmness]
        return norm_mixtures(NAMED_NORMS, rationality=[rationality], lapse=[lapse])

    def groups_after(self, games: int) -> NamedGroups:
        """Posterior over each user's norm, after a number of interactions in each role."""
        components, users = self.mixtures.components, len(self.norm)
        if games == 0:
            alone = uniform_posterior(components, self.count * users)
        else:
            alone = infer(components, self.evidence(games, self.count * users))
        return named_groups(self.mixtures, alone, users)

    def pooled_after(self, games: int) -> DiscretePosterior:
        """Posterior over one norm that all users of a society are assumed to share, after a number of interactions."""
        components = self.mixtures.components
        if games == 0:
            return uniform_posterior(components, self.count)
        return infer(components, self.evidence(games, self.count))

    def evidence(self, games: int, rows: int) -> Evidence:
        """Evidence from the first interactions, with a row for each society or for each user.

        Later interactions stay in the arrays as unseen. So one compiled program serves all numbers of interactions.
        """
        past = self.seen.known & (np.arange(self.seen.stake.shape[2]) < 2 * games)
        proposed, answered = self.seen.proposed & past, ~self.seen.proposed & past
        columns = (self.seen.stake, self.seen.offer, self.seen.accepted, proposed, answered)
        return evidence(*(column.reshape(rows, -1) for column in columns))


Meeting = Callable[
    [Key[Array, ""], Sequence[Policy], Int[np.ndarray, "society user"], Int[np.ndarray, "society round"]], Meetings
]
"""Function with the signature of `envs.society.meet`: simulates meetings from a key, policies, each user's policy and
stakes."""


def societies(
    population: Population, firmness: str, count: int, users: int, games: int, seed: int, meeting: Meeting = meet
) -> Societies:
    """Simulate societies of one kind.

    Args:
        population: Norms that users hold, with their shares.
        firmness: Key of `FIRMNESS`.
        count: Number of societies.
        users: Number of users in each.
        games: Number of interactions of each user in each role.
        seed: Root of all draws.
        meeting: Function that simulates meetings; `envs.society.meet` if not given.

    Raises:
        ValueError: If nobody would hold one of the norms.
    """
    norm = members(population, users)
    path = ("societies", named(population), firmness)
    stakes = draw_stakes(seed, count, max(games, 1), *path, "stakes")
    holds = np.tile(norm, (count, 1))
    return Societies(
        population, firmness, norm, meeting(derive_key(seed, *path), policies_held(firmness), holds, stakes)
    )


def members(population: Population, users: int) -> Int[np.ndarray, "user"]:
    """Norm of each user of a society, as an index into `NAMED_NORMS`; shares are as exact as users allow.

    Raises:
        ValueError: If nobody would hold one of the norms.

    Example:
        >>> from envs import mixture
        >>> members(mixture({"altruistic": 0.8, "selfish": 0.2}), 5).tolist()
        [2, 2, 2, 2, 0]
    """
    counts = np.diff(np.rint(np.cumsum([0.0, *population.weights]) * users).astype(int))
    if (counts < 1).any():
        nobody = population.norms[int(counts.argmin())]
        raise ValueError(f"none of {users} users would be {nobody}; give more users or another share")
    return np.repeat([NAMED_NORMS.index(norm) for norm in population.norms], counts)


def named(population: Population) -> str:
    """Short name of a population.

    Example:
        >>> from envs import mixture
        >>> named(mixture({"altruistic": 0.8, "selfish": 0.2}))
        '80 % altruistic, 20 % selfish'
    """
    pairs = zip(population.weights, population.norms, strict=True)
    return ", ".join(f"{100 * weight:g} % {norm}" for weight, norm in pairs)


def policies_held(firmness: str) -> list[Policy]:
    """Policy of each of `NAMED_NORMS`."""
    return [Policy.of(Norm(norm, (), *FIRMNESS[firmness])) for norm in NAMED_NORMS]


def draw_stakes(seed: int, count: int, games: int, *path: str | int) -> Int[np.ndarray, "society game"]:
    """Draw the stakes of each society; each society has its own seed."""
    keys = keys_of_runs(derive_key(seed, *path), jnp.arange(count))
    low, high = STAKES
    return np.asarray(jax.vmap(lambda key: jax.random.randint(key, (games,), low, high + 1))(keys))
