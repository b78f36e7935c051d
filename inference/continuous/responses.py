r"""Response types: a choice is a genuine preference, a non-attitude, or constructed from the frame.

An item is a question to one person that is asked several times, each time in a frame. Its type is latent:

    genuine        answers follow the policy π_θ
    non-attitude   answers are tosses of a coin (Converse 1964)
    constructed    answers follow the frame, except for slips (Zaller & Feldman 1992)

    p(D | θ, w) = Π_i Σ_t w_t Π_k p_t(answer_ik | share_ik, frame_ik)

Types are identified by consistency across repetitions; a single answer to an item carries almost no information.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key
from numpy.typing import ArrayLike

from inference.continuous.family import HypothesisFamily, Theta, rows_by_run
from inference.continuous.one_shot import OneShotFamily
from inference.continuous.parameters import Parameter, stick_breaking
from inference.continuous.plays import PlayCounts
from inference.discrete.evidence import Evidence

TYPES = ("genuine", "non-attitude", "constructed")
SLIP = Parameter(
    "frame_slip", 0.0, 0.5, location=-0.7, meaning="probability that a constructed answer goes against the frame"
)
_LEAST_WEIGHT = 1e-30


class FramedEvidence(NamedTuple):
    """Answers to items, with a row for each item, and the frame of each question.

    Attributes:
        plays: The answers; offers are part of the question and are not evidence.
        frame: 1 if the frame favours acceptance, −1 if it favours rejection, 0 if neither.
    """

    plays: Evidence
    frame: Int[np.ndarray, "item repetition"]

    @property
    def runs(self) -> int:
        """Number of items."""
        return self.plays.runs

    def followed_by(self, later: FramedEvidence) -> FramedEvidence:
        """Append later repetitions of the same items."""
        frame = np.concatenate([self.frame, later.frame], axis=1)
        return FramedEvidence(self.plays.followed_by(later.plays), frame)


def framed(plays: Evidence, frame: ArrayLike) -> FramedEvidence:
    """Combine answers with checked frames.

    Raises:
        ValueError: If a frame is not −1, 0 or 1, or an offer is marked as evidence.

    Example:
        >>> from inference.discrete.evidence import evidence
        >>> framed(evidence([10, 10], [3, 3], [True, False], offer_seen=False), [1, -1]).frame.tolist()
        [[1, -1]]
    """
    if plays.offer_seen.any():
        raise ValueError("offer_seen: offers to an item are part of the question; give offer_seen=False")
    given = np.broadcast_to(np.atleast_2d(np.asarray(frame)), plays.stake.shape)
    if not np.isin(given, (-1, 0, 1)).all():
        raise ValueError(f"frame: {given[~np.isin(given, (-1, 0, 1))][0]} is none of -1, 0, 1")
    return FramedEvidence(plays, given.astype(np.int32))


class Framed(NamedTuple):
    """Arranged answers and frames.

    Attributes:
        plays: See `inference.continuous.plays.Plays`; an item axis before all others.
        frame: Frame of each answer.
    """

    plays: PlayCounts
    frame: Int[Array | np.ndarray, "*run item repetition"]


@dataclass(frozen=True)
class ResponseTypes(HypothesisFamily):
    """Items of three types with unknown shares; data have `items` rows for each run.

    Attributes:
        base: Policy of genuine answers, without a discrete parameter.
        items: Number of items.
    """

    base: OneShotFamily = field(kw_only=True)
    items: int = 1

    part: ClassVar[str] = "item"

    def __post_init__(self) -> None:
        """Check the base."""
        if self.base.mode_name is not None or self.items < 1:
            raise ValueError("base: give a family without a discrete parameter, and items of 1 or more")

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """The base's parameters, the probability of a slip and the sticks of the shares."""
        return (*self.base.free, SLIP, Parameter("stick_0"), Parameter("stick_1"))

    def theta(self, u: Float[Array, "dim"], mode: Array | int = 0) -> Theta:
        """Parameters, with ``share_of_type`` instead of the sticks."""
        theta = super().theta(u, mode)
        sticks = jnp.stack([theta.pop("stick_0"), theta.pop("stick_1")])
        theta["share_of_type"] = stick_breaking(sticks, jnp.asarray([2.0, 1.0]))
        return theta | {name: jnp.asarray(value) for name, value in self.base.fixed}

    def arrange(self, data: FramedEvidence) -> Framed:
        """Group items by run.

        Raises:
            ValueError: If the rows do not fit.
        """
        rows = Framed(self.base.arrange(data.plays), data.frame)
        runs: Framed = rows_by_run(rows, self.items, "items")
        return runs

    def log_joint_of_items(self, theta: Theta, seen: Framed) -> Float[Array, "item type"]:
        """Log w_t Π_k p_t(answer_ik)."""
        genuine = jax.vmap(lambda plays: self.base.pointwise(theta, plays).sum())(seen.plays)
        answered = 1.0 * jnp.asarray(seen.plays.answer_seen)
        tossed = -jnp.log(2.0) * answered.sum(axis=1)
        slip = theta["frame_slip"]
        follows = (seen.frame > 0) == seen.plays.accepted
        led = jnp.where(seen.frame == 0, -jnp.log(2.0), jnp.log(jnp.where(follows, 1 - slip, slip)))
        each = jnp.stack([genuine, tossed, (led * answered).sum(axis=1)], axis=1)
        return each + jnp.log(jnp.maximum(theta["share_of_type"], _LEAST_WEIGHT))

    def type_probabilities(self, theta: Theta, seen: Framed) -> Float[Array, "item type"]:
        """p(type of item i | θ, D)."""
        return jax.nn.softmax(self.log_joint_of_items(theta, seen), axis=1)

    def log_likelihood(self, theta: Theta, summary: Framed) -> Float[Array, ""]:
        """Σ_i log Σ_t."""
        return self.pointwise(theta, summary).sum()

    def pointwise(self, theta: Theta, seen: Framed) -> Float[Array, "item"]:
        """Each item's log Σ_t w_t Π_k p_t; an observation is an item."""
        return jax.nn.logsumexp(self.log_joint_of_items(theta, seen), axis=1)

    def parts_seen(self, seen: Framed) -> Float[Array, "item"]:
        """Mask of items with at least one seen answer."""
        return jnp.max(1.0 * jnp.asarray(seen.plays.answer_seen), axis=1)

    def predict(self, theta: Theta, seen: Framed) -> Float[Array, "observation"]:
        """Probability of acceptance for each answer, averaged over the types of the item."""
        genuine = jax.vmap(lambda plays: self.base.predict(theta, plays))(seen.plays)
        led = jnp.where(seen.frame == 0, 0.5, jnp.where(seen.frame > 0, 1 - theta["frame_slip"], theta["frame_slip"]))
        each = jnp.stack([genuine, jnp.full(led.shape, 0.5), led], axis=1)
        return jnp.einsum("it,itk->ik", self.type_probabilities(theta, seen), each).reshape(-1)

    def observed(self, seen: Framed) -> tuple[Float[Array, "observation"], Float[Array, "observation"]]:
        """Answers as 0 or 1."""
        plays = seen.plays
        return 1.0 * jnp.ravel(plays.accepted), 1.0 * jnp.ravel(plays.answer_seen)

    def simulate(self, key: Key[Array, ""], theta: Theta, seen: Framed) -> Framed:
        """Draw a type for each item, and then its answers."""
        key_type, key_genuine, key_other = jax.random.split(key, 3)
        log_share = jnp.log(jnp.maximum(theta["share_of_type"], _LEAST_WEIGHT))
        kind = jax.random.categorical(key_type, log_share, shape=(self.items,))[:, None]
        keys = jax.random.split(key_genuine, self.items)
        genuine = jax.vmap(lambda k, plays: self.base.simulate(k, theta, plays))(keys, seen.plays)
        uniform = jax.random.uniform(key_other, seen.frame.shape)
        led = jnp.where(seen.frame == 0, 0.5, jnp.where(seen.frame > 0, 1 - theta["frame_slip"], theta["frame_slip"]))
        other = uniform < jnp.where(kind == 1, 0.5, led)
        accepted = jnp.where(kind == 0, genuine.accepted, other)
        return Framed(replace(seen.plays, accepted=accepted), seen.frame)
