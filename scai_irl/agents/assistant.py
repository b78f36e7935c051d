"""Assistants: they are told a verbal policy and act on it, knowing nothing else of the users."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

from envs.policy import Policy
from scai_irl.language.asking import Style
from scai_irl.language.requests import (
    answer_request,
    offer_request,
    read_answer,
    read_offer,
    read_translation,
    translation_request,
)
from scai_irl.lm.ask import Question, Tally, ask
from scai_irl.lm.protocol import Backend

_DEFAULT = Style()


@dataclass(frozen=True)
class Turn:
    """An assistant's turn to act.

    Attributes:
        verbal_policy: What it follows.
        currency: What is divided.
        stake: How many units of it.
        seed: Seed of its sampler.
        offered: Units offered to it, when it responds; None when it proposes.
    """

    verbal_policy: str
    currency: str
    stake: int
    seed: int
    offered: int | None = None


def translate(
    backend: Backend, policies: Sequence[Policy], seeds: Sequence[int], tally: Tally, style: Style = _DEFAULT
) -> list[str | None]:
    """Have policies put into words, all in one batch.

    Returns:
        A verbal policy for each; None where the backend gave none that could be read.
    """
    questions = [
        Question(translation_request(policy, seed, style), read_translation)
        for policy, seed in zip(policies, seeds, strict=True)
    ]
    return [None if text is None else str(text) for text in ask(backend, questions, tally)]


def make_offers(backend: Backend, turns: Sequence[Turn], tally: Tally, style: Style = _DEFAULT) -> list[int | None]:
    """Have assistants propose, all in one batch.

    Returns:
        Units given to the responder; None where no offer could be read.
    """
    questions = [
        Question(
            offer_request(turn.verbal_policy, turn.currency, turn.stake, turn.seed, style),
            functools.partial(read_offer, stake=turn.stake),
        )
        for turn in turns
    ]
    return [int(units) if isinstance(units, int) else None for units in ask(backend, questions, tally)]


def give_answers(backend: Backend, turns: Sequence[Turn], tally: Tally, style: Style = _DEFAULT) -> list[bool | None]:
    """Have assistants respond to what they are offered, all in one batch.

    Returns:
        Whether each accepts; None where no answer could be read.

    Raises:
        ValueError: If a turn has no offer to answer.
    """
    questions = []
    for turn in turns:
        if turn.offered is None:
            raise ValueError("a responding assistant needs an offer")
        request = answer_request(turn.verbal_policy, turn.currency, turn.stake, turn.offered, turn.seed, style)
        questions.append(Question(request, read_answer))
    return [answer if isinstance(answer, bool) else None for answer in ask(backend, questions, tally)]
