"""Grounding: the behaviour of an assistant under a verbal policy, in a few contexts that distinguish policies."""

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
    """Function that derives a seed from a path."""

    def __call__(self, *path: str | int) -> int:
        """Derive the seed."""
        ...


@dataclass(frozen=True)
class Probes:
    """Contexts in which an assistant acts.

    Attributes:
        stakes: Stakes at which the assistant proposes.
        shares: Shares of the first stake that it is offered.
        currency: Currency that is divided.
        repeats: Number of acts in each context.
    """

    stakes: tuple[int, ...] = (10, 40, 100)
    shares: tuple[float, ...] = (0.0, 0.2, 0.5, 1.0)
    currency: str = "dollars"
    repeats: int = 1

    @property
    def offered(self) -> tuple[int, ...]:
        """Return the units that the assistant is offered."""
        return tuple(round(share * self.stakes[0]) for share in self.shares)

    @property
    def acts(self) -> int:
        """Return the number of acts for each text."""
        return (len(self.stakes) + len(self.shares)) * self.repeats


@dataclass(frozen=True)
class Acts:
    """Acts of assistants.

    Attributes:
        units: Units offered, or `MISSING`.
        answer: 1 for accepted, 0 for rejected, or `MISSING`.
    """

    units: Int[np.ndarray, "text stake repeat"]
    answer: Int[np.ndarray, "text offered repeat"]


def act_on_policies(texts: Sequence[str | None], probes: Probes, seed: SeedOfProbe, style: Style) -> Plan[Acts]:
    """Plan one round in which assistants follow each verbal policy in every context.

    Args:
        texts: Verbal policies; None if the model gave none.
        probes: The contexts.
        seed: Derives the seeds of requests.
        style: Wording, temperature and length of answers.
    """
    units = np.full((len(texts), len(probes.stakes), probes.repeats), MISSING)
    answer = np.full((len(texts), len(probes.shares), probes.repeats), MISSING)
    offers, answers = [], []
    questions = []
    for index in np.ndindex(units.shape):
        text, stake = texts[index[0]], probes.stakes[index[1]]
        if text is not None:
            request = offer_request(text, probes.currency, stake, seed("offer", *index), style)
            questions.append(Question(request, functools.partial(read_offer, stake=stake)))
            offers.append(index)
    for index in np.ndindex(answer.shape):
        text, offered = texts[index[0]], probes.offered[index[1]]
        if text is not None:
            context = (probes.currency, probes.stakes[0], offered, seed("answer", *index))
            questions.append(Question(answer_request(text, *context, style), read_answer))
            answers.append(index)
    answered = yield questions
    for index, value in zip(offers, answered[: len(offers)], strict=True):
        units[index] = MISSING if value is None else int(value)  # type: ignore[call-overload]
    for index, value in zip(answers, answered[len(offers) :], strict=True):
        answer[index] = MISSING if value is None else int(value)  # type: ignore[call-overload]
    return Acts(units, answer)


def log_likelihood(acts: Acts, probes: Probes, policies: Sequence[Policy]) -> Float[np.ndarray, "text policy"]:
    """Compute the log-probability of each text's acts under each policy; missing acts do not count."""
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
    """Compute the policies' probabilities at the probes: of offering 0 … 100 units, and of accepting each offer.

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
