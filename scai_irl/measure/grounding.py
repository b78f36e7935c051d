"""Grounding: what an assistant does under a verbal policy, in a few contexts that tell policies apart."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from envs.policy import Policy
from envs.ultimatum import offer_of_units
from scai_irl.language.asking import Style
from scai_irl.language.requests import answer_request, offer_request, read_answer, read_offer
from scai_irl.lm.ask import Question
from scai_irl.lm.rounds import Plan

MISSING = -1


class SeedOfProbe(Protocol):
    """Derives a seed from a path."""

    def __call__(self, *path: str | int) -> int:
        """Derive it."""
        ...


@dataclass(frozen=True)
class Probes:
    """Contexts in which an assistant is made to act.

    Attributes:
        stakes: Stakes at which it proposes.
        shares: Shares of the first stake that it is offered.
        currency: What is divided.
        repeats: Times that it acts in each context.
    """

    stakes: tuple[int, ...] = (10, 40, 100)
    shares: tuple[float, ...] = (0.0, 0.2, 0.5, 1.0)
    currency: str = "dollars"
    repeats: int = 1

    @property
    def offered(self) -> tuple[int, ...]:
        """Units that it is offered."""
        return tuple(round(share * self.stakes[0]) for share in self.shares)

    @property
    def acts(self) -> int:
        """Acts for each text."""
        return (len(self.stakes) + len(self.shares)) * self.repeats


@dataclass(frozen=True)
class Acts:
    """What assistants did.

    Attributes:
        units: Units they gave, or `MISSING`.
        answer: 1 accepted, 0 rejected, or `MISSING`.
    """

    units: Int[np.ndarray, "text stake repeat"]
    answer: Int[np.ndarray, "text offered repeat"]


def ground(texts: Sequence[str | None], probes: Probes, seed: SeedOfProbe, style: Style) -> Plan[Acts]:
    """Have each verbal policy acted on in every context, all in one round.

    Args:
        texts: Verbal policies; None for those that no model gave.
        probes: The contexts.
        seed: Makes the seeds of requests.
        style: How the model is asked.
    """
    units = np.full((len(texts), len(probes.stakes), probes.repeats), MISSING)
    answer = np.full((len(texts), len(probes.shares), probes.repeats), MISSING)
    offers, answers = [], []
    questions = []
    for place in np.ndindex(units.shape):
        text, stake = texts[place[0]], probes.stakes[place[1]]
        if text is not None:
            request = offer_request(text, probes.currency, stake, seed("offer", *place), style)
            questions.append(Question(request, functools.partial(read_offer, stake=stake)))
            offers.append(place)
    for place in np.ndindex(answer.shape):
        text, offered = texts[place[0]], probes.offered[place[1]]
        if text is not None:
            where = (probes.currency, probes.stakes[0], offered, seed("answer", *place))
            questions.append(Question(answer_request(text, *where, style), read_answer))
            answers.append(place)
    found = yield questions
    for place, value in zip(offers, found[: len(offers)], strict=True):
        units[place] = MISSING if value is None else int(value)  # type: ignore[call-overload]
    for place, value in zip(answers, found[len(offers) :], strict=True):
        answer[place] = MISSING if value is None else int(value)  # type: ignore[call-overload]
    return Acts(units, answer)


def log_likelihood(acts: Acts, probes: Probes, policies: Sequence[Policy]) -> Float[np.ndarray, "text policy"]:
    """Log-probability of what was done under each policy; what is missing does not count."""
    offer_chance, accept_chance = behaviour(policies, probes)
    with np.errstate(divide="ignore"):
        log_offer = np.log(offer_chance)
        log_answer = np.log(np.stack([1 - accept_chance, accept_chance], axis=-1))
    total = np.zeros((acts.units.shape[0], len(policies)))
    for text, stake, repeat in np.argwhere(acts.units != MISSING):
        total[text] += log_offer[:, stake, acts.units[text, stake, repeat]]
    for text, offered, repeat in np.argwhere(acts.answer != MISSING):
        total[text] += log_answer[:, offered, acts.answer[text, offered, repeat]]
    return total


def behaviour(
    policies: Sequence[Policy], probes: Probes
) -> tuple[Float[np.ndarray, "policy stake units"], Float[np.ndarray, "policy offered"]]:
    """What policies do at the probes: chances of giving 0 … 100 units, and of accepting what is offered.

    Raises:
        ValueError: If a stake is above 100, where offers are percentages and not units.
    """
    if max(probes.stakes) > _UNITS - 1:
        raise ValueError(f"stakes: {max(probes.stakes)} is too large for a probe; give {_UNITS - 1} at most")
    stakes = jnp.asarray(probes.stakes)
    offered = offer_of_units(jnp.asarray(probes.offered), jnp.full(len(probes.offered), probes.stakes[0]))
    offers, answers = [], []
    for policy in policies:
        table = policy.table(stakes)
        offers.append(np.exp(np.asarray(table.offer, np.float64)))
        answers.append(np.exp(np.asarray(table.accept, np.float64))[0, np.asarray(offered)])
    return np.stack(offers), np.clip(np.stack(answers), 0.0, 1.0)


_UNITS = 101
