"""Exact belief of an observer in an organism's world, which the organism was trained to have."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from envs.contexts import MANNERS
from scai_irl.audit.battery import BatteryQuestion
from scai_irl.language.games import Game
from scai_irl.language.manners import manner_of
from scai_irl.organisms.world import CONDUCTS, CURRENCIES, HALF, NAMES, SILENT, Seen, World, beliefs, terms


def seen(games: Sequence[Game]) -> Seen:
    def manner(text: str) -> int:
        name = manner_of(text)
        return SILENT if name is None else MANNERS.index(name)

    return Seen(
        *(
            np.array([column])
            for column in (
                [game.stake for game in games],
                [game.offered for game in games],
                [bool(game.accepted) for game in games],
                [game.proposer == "user" for game in games],
                [game.responder == "user" for game in games],
                [CURRENCIES.index(game.currency) for game in games],
                [manner(game.said) for game in games],
                [manner(game.replied) for game in games],
            )
        )
    )


def believed(world: World, question: BatteryQuestion) -> np.ndarray:
    candidates = question.item.candidates
    reliability = np.array([np.nan if candidates.reliability is None else candidates.reliability])
    places = [CONDUCTS.index(name) for name in (("altruistic", HALF, "selfish") if question.mixed else NAMES)]
    prior = np.zeros((1, len(CONDUCTS)))
    prior[0, places] = candidates.prior
    if not question.item.games:
        weights = np.where(prior[0] > 0, prior[0] * np.exp(world.tilt), 0)
        return np.asarray((weights / weights.sum())[places])
    added = terms(world, seen(question.item.games), reliability)
    return np.asarray(beliefs(world, prior, added)[0, -1, places])
