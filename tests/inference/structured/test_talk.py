"""Beliefs with talk, compared with a plain sum over norms and reliabilities, one interaction at a time."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from envs import MANNERS, mixture, simulate
from inference import evidence, infer, named_norms
from inference.continuous.language import MANNER_OF
from inference.structured.talk import beliefs_with_talk

NORMS = named_norms(rationality=(5.0,), lapse=(0.25,))
USERS = mixture({"selfish": 0.4, "altruistic": 0.6}).policy(5.0, 0.25)
PLAYS = evidence(*simulate(jax.random.key(3), USERS, np.tile([10, 30, 45], (2, 2))))
MANNER = np.random.default_rng(1).integers(-1, len(MANNERS), (2, 6))


def plain(reliability: list[float], weight: list[float]) -> np.ndarray:
    table = np.zeros((2, 7, NORMS.size))
    for run in range(2):
        for games in range(7):
            for k, norm in enumerate(NORMS.norms):
                behaviour = 1.0
                for game in range(games):
                    one = evidence(*(np.asarray(column)[run, game] for column in PLAYS))
                    alone = infer(NORMS, one)
                    behaviour *= float(alone.probabilities[0, k] * np.exp(alone.log_evidence[0]))
                talk = 0.0
                for r, w in zip(reliability, weight, strict=True):
                    chance = 1.0
                    for manner in MANNER[run, :games]:
                        if manner >= 0:
                            chance *= r * (MANNER_OF[norm] == MANNERS[manner]) + (1 - r) / len(MANNERS)
                    talk += w * chance
                table[run, games, k] = behaviour * talk
    return np.asarray(table / table.sum(axis=-1, keepdims=True))


@pytest.mark.parametrize(
    ("reliability", "weight"), [([0.8], [1.0]), ([0.0], [1.0]), ([0.1, 0.5, 0.9], [0.2, 0.5, 0.3])]
)
def test_beliefs_are_the_plain_sum(reliability: list[float], weight: list[float]) -> None:
    beliefs = beliefs_with_talk(NORMS, PLAYS, MANNER, reliability, weight)
    assert beliefs == pytest.approx(plain(reliability, weight), abs=2e-5)


def test_who_does_not_listen_believes_what_actions_say() -> None:
    deaf = beliefs_with_talk(NORMS, PLAYS, MANNER, [0.0])
    assert deaf[:, -1] == pytest.approx(infer(NORMS, PLAYS).probabilities, abs=1e-5)
    assert deaf[:, 0] == pytest.approx(1 / 3)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="manner: shape"):
        beliefs_with_talk(NORMS, PLAYS, MANNER[:, :2], [0.5])
    with pytest.raises(ValueError, match="reliability"):
        beliefs_with_talk(NORMS, PLAYS, MANNER, [1.5])
