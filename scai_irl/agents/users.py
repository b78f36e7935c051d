"""Users played by a language model among themselves: each is told her norm in words, and nothing else.

In the epoch loop users are played where assistants are (`scai_irl.loop.playing`); here are those whom somebody watches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from jaxtyping import Array, Bool, Int, Key

from envs.policy import Policy
from envs.seeds import derive_seed
from envs.society import Meetings, meetings, proposers
from scai_irl.agents.assistant import Turn, give_answers, make_offers
from scai_irl.language.asking import Style
from scai_irl.language.phrases import say_policy
from scai_irl.lm.ask import Tally
from scai_irl.lm.protocol import Backend

UsersBy = Literal["simulation", "model"]
"""Who plays the users."""


@dataclass(frozen=True)
class UserGame:
    """A game of two users.

    Attributes:
        proposer: Policy that the one who proposes holds.
        responder: Policy that the one who responds holds.
        currency: What is divided.
        stake: How many units of it.
        seed: Root of the seeds of both.
    """

    proposer: Policy
    responder: Policy
    currency: str
    stake: int
    seed: int


class Done(NamedTuple):
    """What users did in each game; whatever could not be read is 0 and False, and not known.

    Attributes:
        units: Units offered to the responder.
        accepted: Whether she took them.
        offer_known: Whether the offer could be read.
        answer_known: Whether there was an offer to answer, and the answer could be read.
    """

    units: Int[np.ndarray, "game"]
    accepted: Bool[np.ndarray, "game"]
    offer_known: Bool[np.ndarray, "game"]
    answer_known: Bool[np.ndarray, "game"]


def played(backend: Backend, games: Sequence[UserGame], tally: Tally, style: Style) -> Done:
    """Have a language model play all games, in two batches: all offers, then all answers.

    Example:
        >>> from envs.policy import Norm
        >>> from scai_irl.backends.phrasebook.backend import Phrasebook
        >>> fair = Policy.of(Norm("fair"))
        >>> played(Phrasebook(), [Game(fair, fair, "dollars", 20, 7)], Tally(), Style()).units.tolist()
        [10]
    """
    proposed = [
        Turn(say_policy(game.proposer), game.currency, game.stake, derive_seed(game.seed, "offer")) for game in games
    ]
    offers = make_offers(backend, proposed, tally, style)
    asked = [place for place, units in enumerate(offers) if units is not None]
    responding = [
        Turn(say_policy(game.responder), game.currency, game.stake, derive_seed(game.seed, "answer"), offers[place])
        for place, game in ((place, games[place]) for place in asked)
    ]
    answers: list[bool | None] = [None] * len(games)
    for place, answer in zip(asked, give_answers(backend, responding, tally, style), strict=True):
        answers[place] = answer
    return Done(
        np.array([units or 0 for units in offers], int),
        np.array([bool(answer) for answer in answers], bool),
        np.array([units is not None for units in offers], bool),
        np.array([answer is not None for answer in answers], bool),
    )


@dataclass(frozen=True)
class ModelMeeting:
    """Has users meet as `envs.society.meet` does, each to the same others, but played by a language model.

    Attributes:
        backend: Who plays them.
        currency: What is divided.
        seed: Root of the model's seeds; keys decide on who meets whom alone.
        tally: What asking costs.
        style: How the model is asked.
    """

    backend: Backend
    currency: str
    seed: int
    tally: Tally
    style: Style

    def __call__(
        self,
        key: Key[Array, ""],
        norms: Sequence[Policy],
        holds: Int[np.ndarray, "society user"],
        stakes: Int[np.ndarray, "society round"],
    ) -> Meetings:
        """Play all rounds of all societies at once."""
        shape = (len(holds), stakes.shape[1], holds.shape[1])
        before = proposers(key, *shape)
        games = [
            UserGame(
                norms[int(holds[society, before[society, number, user]])],
                norms[int(holds[society, user])],
                self.currency,
                int(stakes[society, number]),
                derive_seed(self.seed, society, number, user),
            )
            for society, number, user in np.ndindex(shape)
        ]
        done = played(self.backend, games, self.tally, self.style)
        received, accepts, offer_known, answer_known = (column.reshape(shape) for column in done)
        offer, made_known = np.zeros(shape, int), np.zeros(shape, bool)
        np.put_along_axis(offer, before, received, axis=-1)
        np.put_along_axis(made_known, before, offer_known, axis=-1)
        return meetings(stakes, before, offer, accepts, made_known, answer_known)
