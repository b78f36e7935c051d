"""Interactions and candidate norms in the form in which prompts show them."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import jax.numpy as jnp
import numpy as np

from envs.policy import Policy
from scai_irl.language.asking import shown
from scai_irl.language.phrases import say_policy
from scai_irl.language.policy_json import policy_from_json, policy_to_json

Role = Literal["user", "assistant"]


@dataclass(frozen=True)
class Game:
    """One observed interaction.

    Attributes:
        currency: Currency that was divided.
        stake: Number of its units.
        proposer: Role of the proposer.
        responder: Role of the responder.
        offered: Units offered to the responder.
        accepted: Whether the responder accepted; None if the answer was not observed.
        said: Message of the proposer.
        replied: Message of the responder.
    """

    currency: str
    stake: int
    proposer: Role
    responder: Role
    offered: int
    accepted: bool | None = None
    said: str = ""
    replied: str = ""


def games_to_json(games: Sequence[Game]) -> list[dict[str, Any]]:
    """Write interactions as JSON values, without answers that were not observed and empty messages.

    Example:
        >>> games_to_json([Game("apples", 10, "user", "assistant", 5)])[0]["offered"]
        5
    """
    written = []
    for game in games:
        line: dict[str, Any] = {
            "currency": game.currency,
            "stake": game.stake,
            "proposer": game.proposer,
            "responder": game.responder,
            "offered": game.offered,
        }
        if game.accepted is not None:
            line["accepted"] = game.accepted
        if game.said:
            line["proposer said"] = shown(game.said)
        if game.replied:
            line["responder said"] = shown(game.replied)
        written.append(line)
    return written


def games_from_json(value: Sequence[Mapping[str, Any]]) -> list[Game]:
    """Read interactions from JSON values.

    Raises:
        KeyError: If an entry is missing.
    """
    return [
        Game(
            line["currency"],
            int(line["stake"]),
            line["proposer"],
            line["responder"],
            int(line["offered"]),
            line.get("accepted"),
            line.get("proposer said", ""),
            line.get("responder said", ""),
        )
        for line in value
    ]


_EXAMPLE = 10


@functools.lru_cache(256)
def _chances_of(policy: Policy) -> tuple[tuple[float, ...], tuple[float, ...]]:
    table = policy.table(jnp.asarray([_EXAMPLE]))
    offers, accepts = (np.exp(np.asarray(side[0, : _EXAMPLE + 1], np.float64)) for side in (table.offer, table.accept))
    return tuple(offers.round(3).tolist()), tuple(accepts.round(3).tolist())


def _chances(policy: Policy) -> dict[str, list[float]]:
    """Return a norm's probabilities of offering 0, 1, … units of ten, and of accepting them."""
    offers, accepts = _chances_of(policy)
    return {"offers 0 to 10": list(offers), "accepts 0 to 10": list(accepts)}


@dataclass(frozen=True)
class Candidates:
    """The candidate norms in a prompt.

    Attributes:
        labels: Label of each norm, in the order of display; no label is a prefix of another.
        policies: The users' policy under each norm.
        prior: Prior probability of each norm.
        reliability: r, the share of messages whose manner fits the norm; None if manners carry no information.
    """

    labels: tuple[str, ...]
    policies: tuple[Policy, ...]
    prior: tuple[float, ...]
    reliability: float | None = None

    def __post_init__(self) -> None:
        """Check labels and prior."""
        if not len(self.labels) == len(self.policies) == len(self.prior) > 1:
            raise ValueError(f"candidates: {len(self.labels)} labels; give two or more, each with policy and prior")
        for one in self.labels:
            if any(other != one and other.startswith(one) for other in self.labels):
                raise ValueError(f"labels: {one!r} begins another; give labels of which none begins another")
        if len(set(self.labels)) < len(self.labels):
            raise ValueError("labels: one is given twice; give each norm its own")
        if min(self.prior) < 0 or abs(sum(self.prior) - 1) > 1e-6:
            raise ValueError(f"prior: {self.prior} are no probabilities; give some that sum to 1")

    def in_order(self, order: Sequence[int]) -> Candidates:
        """Return the norms in another order; labels keep their order, so the norm shown first has the first label."""
        policies, prior = zip(*((self.policies[k], self.prior[k]) for k in order), strict=True)
        return Candidates(self.labels, policies, prior, self.reliability)

    def to_json(self) -> dict[str, Any]:
        """Write the candidates as JSON values."""
        norms = [
            {
                "label": label,
                "rule": say_policy(policy),
                "policy": policy_to_json(policy),
                f"chances at a stake of {_EXAMPLE}": _chances(policy),
                "before": before,
            }
            for label, policy, before in zip(self.labels, self.policies, self.prior, strict=True)
        ]
        return {"norms": norms} | ({} if self.reliability is None else {"reliability": self.reliability})

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Candidates:
        """Read candidates from JSON values.

        Raises:
            KeyError: If an entry is missing.
        """
        norms = value["norms"]
        return cls(
            tuple(norm["label"] for norm in norms),
            tuple(policy_from_json(norm["policy"]) for norm in norms),
            tuple(float(norm["before"]) for norm in norms),
            value.get("reliability"),
        )
