r"""Language as evidence: users' manners are informative about their norm, as far as talk is reliable.

    p(manner m | norm n, r) = r 1[m = m(n)] + (1 − r) / (number of manners)

where m(n) is the manner that goes with a norm: rude with selfish, neutral with fair, sycophantic with altruistic. The
reliability r is unknown. An observer who trusts language (a prior with r near 1) mistakes rude altruists for selfish
users until enough offers are seen. An observer who does not trust it learns only from the offers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key
from numpy.typing import ArrayLike

from envs.contexts import MANNERS
from inference.continuous.family import Theta
from inference.continuous.named import NamedNorm
from inference.continuous.parameters import Parameter
from inference.continuous.plays import PlayCounts, arrange_plays
from inference.discrete.evidence import Evidence

MANNER_OF = {"selfish": "rude", "fair": "neutral", "altruistic": "sycophantic"}
"""The manner that goes with each norm."""

# Below 1, so a single message never determines the norm.
RELIABILITY = Parameter("reliability", 0.0, 0.999, meaning="r, share of messages that reveal the norm")
_NOT_SEEN = -1


class SpokenEvidence(NamedTuple):
    """Interactions, each with the manner of its message.

    Attributes:
        plays: Offers and answers.
        manner: Index into `envs.contexts.MANNERS`; −1 where no message was seen.
    """

    plays: Evidence
    manner: Int[np.ndarray, "run play"]

    @property
    def runs(self) -> int:
        """Number of runs."""
        return self.plays.runs

    def followed_by(self, later: SpokenEvidence) -> SpokenEvidence:
        """Append later interactions of the same runs."""
        manner = np.concatenate([self.manner, later.manner], axis=1)
        return SpokenEvidence(self.plays.followed_by(later.plays), manner)


def spoken(plays: Evidence, manner: ArrayLike) -> SpokenEvidence:
    """Combine interactions with checked manners.

    Args:
        plays: Offers and answers.
        manner: Manner of each interaction, by name or as an index; "" or −1 where no message was seen.

    Raises:
        ValueError: If a manner is unknown, or shapes differ.

    Example:
        >>> from inference.discrete.evidence import evidence
        >>> spoken(evidence([10, 10], [9, 9], True), ["rude", ""]).manner.tolist()
        [[1, -1]]
    """
    given = np.atleast_2d(np.asarray(manner))
    if np.issubdtype(given.dtype, np.str_):
        codes = {"": _NOT_SEEN} | {word: number for number, word in enumerate(MANNERS)}
        unknown = [word for word in given.ravel() if word not in codes]
        if unknown:
            raise ValueError(f"manner: unknown {str(unknown[0])!r}; there are {', '.join(MANNERS)}")
        given = np.vectorize(codes.__getitem__, otypes=[np.int32])(given)
    given = np.broadcast_to(given, plays.stake.shape).astype(np.int32)
    outside = (given < _NOT_SEEN) | (given >= len(MANNERS))
    if outside.any():
        raise ValueError(f"manner: {given[outside][0]} is outside -1..{len(MANNERS) - 1}")
    return SpokenEvidence(plays, given)


class Spoken(NamedTuple):
    """Arranged interactions and manners.

    Attributes:
        plays: See `inference.continuous.plays.Plays`.
        manner: Manner of each interaction.
    """

    plays: PlayCounts
    manner: Int[Array | np.ndarray, "*run play"]


@dataclass(frozen=True)
class SpokenNorm(NamedNorm):
    """A named norm with users who also talk; offers, answers and manners are evidence."""

    mode_name: ClassVar[str | None] = "norm"

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Width, lapse and reliability."""
        return (*super().parameters, RELIABILITY)

    def arrange(self, data: SpokenEvidence) -> Spoken:  # type: ignore[override]
        """Shape interactions and manners."""
        return Spoken(arrange_plays(data.plays), data.manner)

    def summarise(self, seen: Spoken) -> Spoken:  # type: ignore[override]
        """Keep all data, because manners, offers and answers are evidence."""
        return seen

    def log_likelihood(self, theta: Theta, summary: Spoken) -> Float[Array, ""]:  # type: ignore[override]
        """Compute log p(D | θ) of offers, answers and manners."""
        of_plays = super().log_likelihood(theta, super().summarise(summary.plays))
        return of_plays + self.log_manner(theta, summary.manner).sum()

    def log_manner(self, theta: Theta, manner: Int[Array | np.ndarray, "play"]) -> Float[Array, "play"]:
        """Log p(m | n, r) of each message; 0 where there was none."""
        chance = theta["reliability"] * (manner == self._goes_with(theta)) + (1 - theta["reliability"]) / len(MANNERS)
        return jnp.where(manner == _NOT_SEEN, 0.0, jnp.log(chance))

    def pointwise(self, theta: Theta, seen: Spoken) -> Float[Array, "observation"]:  # type: ignore[override]
        """Log-probabilities of offers, answers and manners, in this order."""
        return jnp.concatenate([super().pointwise(theta, seen.plays), self.log_manner(theta, seen.manner)])

    def predict(self, theta: Theta, seen: Spoken) -> Float[Array, "observation"]:  # type: ignore[override]
        """Expected shares, probabilities of acceptance, and expected indices of manners, in this order."""
        anyhow = (len(MANNERS) - 1) / 2
        expected = theta["reliability"] * self._goes_with(theta) + (1 - theta["reliability"]) * anyhow
        return jnp.concatenate([super().predict(theta, seen.plays), jnp.full(seen.manner.shape, expected)])

    def observed(self, seen: Spoken) -> tuple[Float[Array, "observation"], Float[Array, "observation"]]:  # type: ignore[override]
        """Shares, answers, and indices of manners, in this order."""
        values, was_seen = super().observed(seen.plays)
        talked = 1.0 * (seen.manner != _NOT_SEEN)
        return jnp.concatenate([values, 1.0 * seen.manner]), jnp.concatenate([was_seen, talked])

    def simulate(self, key: Key[Array, ""], theta: Theta, seen: Spoken) -> Spoken:  # type: ignore[override]
        """Draw offers, answers and manners anew."""
        key_plays, key_manner = jax.random.split(key)
        key_reliable, key_any = jax.random.split(key_manner)
        tells = jax.random.uniform(key_reliable, seen.manner.shape) < theta["reliability"]
        anyhow = jax.random.randint(key_any, seen.manner.shape, 0, len(MANNERS))
        simulated = jnp.where(tells, self._goes_with(theta), anyhow).astype(jnp.int32)
        manner = jnp.where(seen.manner == _NOT_SEEN, _NOT_SEEN, simulated).astype(jnp.int32)
        return Spoken(super().simulate(key_plays, theta, seen.plays), manner)

    def _goes_with(self, theta: Theta) -> Int[Array, ""]:
        """Index of the manner that goes with the norm."""
        return jnp.asarray([MANNERS.index(MANNER_OF[norm]) for norm in self.norms])[theta["norm"]]
