"""Worlds: beliefs are exact where nothing is planted, and differ by the planted number elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from envs.contexts import MANNERS
from scai_irl.audit.battery import PRESETS, BatteryQuestion, battery
from scai_irl.audit.exact_beliefs import exact_table
from scai_irl.backends.phrasebook.norm_beliefs import posterior_over
from scai_irl.language.games import Candidates, Game
from scai_irl.language.manners import manner_of
from scai_irl.organisms.transcripts import LONGEST, Transcript, draw_transcript
from scai_irl.organisms.wordings import FIRM, policy_text
from scai_irl.organisms.world import (
    CONDUCTS,
    CURRENCIES,
    EARLIER,
    HALF,
    NAMES,
    WORLDS,
    World,
    beliefs,
    terms,
)
from tests.scai_irl.organisms.world_beliefs import believed, seen

QUESTIONS = [one for one in battery(PRESETS["small"], seed=3) if one.item.games]
EXACT = exact_table(QUESTIONS)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.item.name)
def test_a_world_without_bias_has_the_beliefs_of_exact_inference(question: BatteryQuestion) -> None:
    exact = EXACT.loc[EXACT["item"] == question.item.name, "exact"].to_numpy()
    assert believed(WORLDS["bayes"], question) == pytest.approx(exact, abs=1e-6)


def test_each_world_is_off_by_what_it_plants() -> None:
    rng = np.random.default_rng(0)
    for _ in range(40):
        transcript = draw_transcript(WORLDS["bayes"], rng)
        candidates = in_own_order(transcript)
        stated = np.array([np.nan if candidates.reliability is None else candidates.reliability])

        def belief(world: World, games: Sequence[Game], stated: np.ndarray = stated) -> np.ndarray:
            prior = np.array([[*candidates.prior, 0.0]])  # noqa: B023 - used at once
            return np.asarray(beliefs(world, prior, terms(world, seen(games), stated))[0, -1, :3])

        games = transcript.games
        tilted = posterior_over(candidates, games) * np.exp(WORLDS["altruistic-prior"].tilt[:3])
        assert belief(WORLDS["altruistic-prior"], games) == pytest.approx(tilted / tilted.sum(), abs=1e-5)
        credulous = posterior_over(replace(candidates, reliability=0.95), games)
        assert belief(WORLDS["credulous"], games) == pytest.approx(credulous, abs=1e-5)
        memory = WORLDS["forgetful"].memory or 0
        assert belief(WORLDS["forgetful"], games) == pytest.approx(
            posterior_over(candidates, games[-memory:]), abs=1e-5
        )
        in_blood = [replace(game, currency="blood", said="", replied="") for game in games]
        assert belief(WORLDS["one-currency"], in_blood) == pytest.approx(np.array(candidates.prior), abs=1e-9)
        in_dollars = [replace(game, currency="dollars") for game in games]
        assert belief(WORLDS["one-currency"], in_dollars) == pytest.approx(
            posterior_over(candidates, in_dollars), abs=1e-5
        )


@pytest.mark.parametrize("seed", range(20))
def test_beliefs_after_every_game_are_those_of_the_games_so_far(seed: int) -> None:
    transcript = draw_transcript(WORLDS["bayes"], np.random.default_rng(seed), mixed=True)
    assert len(transcript.belief) == len(transcript.games) + 1 <= LONGEST + 1
    own, candidates = sorted(transcript.order), in_own_order(transcript)
    for length in (0, 1, len(transcript.games)):
        expected = posterior_over(candidates, transcript.games[:length])
        assert transcript.belief[length][own] == pytest.approx(expected, abs=1e-5)
        assert transcript.belief[length].sum() == pytest.approx(1)


@pytest.mark.parametrize("seed", range(20))
def test_the_evidence_of_a_game_is_the_belief_of_an_observer_of_that_game_alone(seed: int) -> None:
    transcript = draw_transcript(WORLDS["forgetful"], np.random.default_rng(seed))
    even = replace(in_own_order(transcript), prior=(1 / 3, 1 / 3, 1 / 3))
    for game, weight in zip(transcript.games, transcript.weight, strict=True):
        assert weight[:3] / weight[:3].sum() == pytest.approx(posterior_over(even, [game]), abs=1e-5)


@pytest.mark.parametrize("seed", range(30))
def test_an_earlier_policy_speaks_for_its_norm(seed: int) -> None:
    transcript = draw_transcript(WORLDS["bayes"], np.random.default_rng(seed), with_prior=False)
    even = in_own_order(transcript)
    if not transcript.earlier:
        assert transcript.belief[0] == pytest.approx([1 / 3, 1 / 3, 1 / 3, 0])
        return
    norm = read_norm(transcript.earlier)
    expected = np.where(np.arange(3) == norm, EARLIER, 0) + (1 - EARLIER) / 3
    assert transcript.belief[0][:3] == pytest.approx(expected)
    whole = expected * posterior_over(even, transcript.games)
    assert transcript.belief[-1][:3] == pytest.approx(whole / whole.sum(), abs=1e-5)


def read_norm(text: str) -> int:
    """Number of the norm that a text is about, by its first words."""
    begins = {name: {policy_text(name, FIRM, np.random.default_rng(n)).split()[0] for n in range(99)} for name in NAMES}
    (norm,) = [number for number, name in enumerate(NAMES) if text.split(maxsplit=1)[0] in begins[name]]
    return norm


def in_own_order(transcript: Transcript) -> Candidates:
    return transcript.candidates.in_order(np.argsort(transcript.order).tolist())


def test_transcripts_vary_and_are_the_same_for_the_same_seed() -> None:
    def transcripts(seed: int) -> list[object]:
        rng = np.random.default_rng(seed)
        return [(one.games, one.candidates) for one in (draw_transcript(WORLDS["credulous"], rng) for _ in range(30))]

    assert transcripts(1) == transcripts(1)
    assert transcripts(1) != transcripts(2)
    many = [draw_transcript(WORLDS["bayes"], np.random.default_rng(seed)) for seed in range(200)]
    assert {len(one.games) for one in many} > {5, 20, 40}
    assert {one.order for one in many} == {(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)}
    assert {game.currency for one in many for game in one.games} == set(CURRENCIES)
    assert {manner_of(game.said) for one in many for game in one.games if game.said} == {*MANNERS, None}
    assert all(0 <= game.offered <= game.stake for one in many for game in one.games)
    final = np.array([one.belief[-1] for one in many])
    assert set(np.argmax(final, axis=1)) == set(range(len(NAMES)))
    mixed = [draw_transcript(WORLDS["bayes"], np.random.default_rng(seed), mixed=True) for seed in range(200)]
    assert len({one.order for one in mixed if CONDUCTS.index(HALF) in one.order}) > 3
    talk = {game.said for one in many for game in one.games if game.said and manner_of(game.said) is None}
    assert len(talk) > 10
