"""Users that a language model plays among themselves: each receives its own norm in words, and nothing else.

`scai_irl.loop.playing` plays the users of the epoch loop. The users here interact with each other only.
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
from scai_irl.lm.protocol import Backend
from scai_irl.lm.tally import Tally

UsersBy = Literal["simulation", "model"]
"""Source of the users' behaviour."""


@dataclass(frozen=True)
class UserInteraction:
    """An interaction of two users.

    Attributes:
        proposer: Policy of the proposer.
        responder: Policy of the responder.
        currency: Currency that is divided.
        stake: Number of units.
        seed: Root of the seeds of both users.
    """

    proposer: Policy
    responder: Policy
    currency: str
    stake: int
    seed: int


class UserActions(NamedTuple):
    """Actions of users in each interaction; a missing offer is 0 and a missing answer False.

    Attributes:
        units: Units offered to the responder.
        accepted: Whether the responder accepted.
        offer_known: Whether the offer could be parsed.
        answer_known: Whether there was an offer to answer and the answer could be parsed.
    """

    units: Int[np.ndarray, "interaction"]
    accepted: Bool[np.ndarray, "interaction"]
    offer_known: Bool[np.ndarray, "interaction"]
    answer_known: Bool[np.ndarray, "interaction"]


def play_users(backend: Backend, interactions: Sequence[UserInteraction], tally: Tally, style: Style) -> UserActions:
    """Play interactions of users with a language model, in two batches: all offers, then all answers.

    Example:
        >>> from envs.policy import Norm
        >>> from scai_irl.backends.phrasebook.backend import Phrasebook
        >>> fair = Policy.of(Norm("fair"))
        >>> interaction = UserInteraction(fair, fair, "dollars", 20, 7)
        >>> play_users(Phrasebook(), [interaction], Tally(), Style()).units.tolist()
        [10]
    """
    proposing = [
        Turn(say_policy(one.proposer), one.currency, one.stake, derive_seed(one.seed, "offer")) for one in interactions
    ]
    offers = make_offers(backend, proposing, tally, style)
    offered = [index for index, units in enumerate(offers) if units is not None]
    responding = [
        Turn(say_policy(one.responder), one.currency, one.stake, derive_seed(one.seed, "answer"), offers[index])
        for index, one in ((index, interactions[index]) for index in offered)
    ]
    answers: list[bool | None] = [None] * len(interactions)
    for index, answer in zip(offered, give_answers(backend, responding, tally, style), strict=True):
        answers[index] = answer
    return UserActions(
        np.array([units or 0 for units in offers], int),
        np.array([bool(answer) for answer in answers], bool),
        np.array([units is not None for units in offers], bool),
        np.array([answer is not None for answer in answers], bool),
    )


@dataclass(frozen=True)
class ModelMeeting:
    """Meetings of users as in `envs.society.meet`, with the same pairs, but played by a language model.

    Attributes:
        backend: Model that plays the users.
        currency: Currency that is divided.
        seed: Root of the seeds of requests; the random key decides only who meets whom.
        tally: Tally that the cost of requests is added to.
        style: Wording and sampling of requests.
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
        """Play all rounds of all societies.

        Args:
            key: Random key of the pairs.
            norms: Policies.
            holds: Index of each user's policy.
            stakes: Stake of each round.
        """
        shape = (len(holds), stakes.shape[1], holds.shape[1])
        before = proposers(key, *shape)
        interactions = [
            UserInteraction(
                norms[int(holds[society, before[society, number, user]])],
                norms[int(holds[society, user])],
                self.currency,
                int(stakes[society, number]),
                derive_seed(self.seed, society, number, user),
            )
            for society, number, user in np.ndindex(shape)
        ]
        actions = play_users(self.backend, interactions, self.tally, self.style)
        received, accepts, offer_known, answer_known = (column.reshape(shape) for column in actions)
        offer, made_known = np.zeros(shape, int), np.zeros(shape, bool)
        np.put_along_axis(offer, before, received, axis=-1)
        np.put_along_axis(made_known, before, offer_known, axis=-1)
        return meetings(stakes, before, offer, accepts, made_known, answer_known)
