"""Assistants: a language model follows a verbal policy, and knows nothing else about the users."""

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
from scai_irl.lm.ask import Question, ask
from scai_irl.lm.protocol import Backend
from scai_irl.lm.tally import Tally

_DEFAULT = Style()


@dataclass(frozen=True)
class Turn:
    """An assistant's turn in an interaction.

    Attributes:
        verbal_policy: Policy that it follows.
        currency: Currency that is divided.
        stake: Number of units.
        seed: Seed of its request.
        offered: Units offered to it if it responds; None if it proposes.
    """

    verbal_policy: str
    currency: str
    stake: int
    seed: int
    offered: int | None = None


def translate(
    backend: Backend, policies: Sequence[Policy], seeds: Sequence[int], tally: Tally, style: Style = _DEFAULT
) -> list[str | None]:
    """Put policies into words, all in one batch.

    Returns:
        Verbal policies; None where no answer could be parsed.
    """
    questions = [
        Question(translation_request(policy, seed, style), read_translation)
        for policy, seed in zip(policies, seeds, strict=True)
    ]
    return [None if text is None else str(text) for text in ask(backend, questions, tally)]


def make_offers(backend: Backend, turns: Sequence[Turn], tally: Tally, style: Style = _DEFAULT) -> list[int | None]:
    """Make the offers of proposing assistants, all in one batch.

    Returns:
        Units given to the responder; None where no answer could be parsed.
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
    """Give the answers of responding assistants, all in one batch.

    Returns:
        Whether each accepts; None where no answer could be parsed.

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
