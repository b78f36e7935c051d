"""Variants of the assistant: one that exploits earns the maximum, and a strict one refuses what breaks its policy."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from envs import UTILITIES, Norm, Policy, one_group
from envs.exploitation import best_offer, exploiting
from experiments.group_norm.earnings import earnings_by_run, earnings_figure, earnings_findings, earnings_table
from scai_irl.backends.phrasebook.backend import Phrasebook
from scai_irl.language.asking import Style
from scai_irl.language.belief_requests import learn_request
from scai_irl.language.games import Game
from scai_irl.language.instructions import WORDINGS
from scai_irl.language.phrases import read_policy, say_policy
from scai_irl.language.requests import answer_request, read_answer, read_translation

NORMS = [name for name, utility in UTILITIES.items() if not utility.parameters]


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("rationality", [5.0, 200.0])
def test_no_offer_earns_more_than_the_best(norm: str, rationality: float) -> None:
    users = Policy.of(Norm(norm, (), rationality, 0.1))
    accept = np.exp(np.asarray(users.table(jnp.asarray([100])).accept[0], np.float64))
    earned = [(1 - units / 100) * accept[units] for units in range(101)]
    assert earned[round(100 * best_offer(users))] == pytest.approx(max(earned), abs=1e-5)


def test_who_exploits_offers_that_and_takes_what_she_gets() -> None:
    for norm in NORMS:
        users = one_group(norm).policy()
        policy = exploiting(users)
        table = policy.table(jnp.asarray([50]))
        mean = float(np.exp(np.asarray(table.offer[0])) @ np.arange(101)) / 50
        assert mean == pytest.approx(best_offer(users), abs=0.03)
        assert read_policy(say_policy(policy)) == policy
        assert float(np.exp(table.accept[0, 10])) > 0.99


def test_the_phrasebook_exploits_whom_it_watched() -> None:
    games = [Game("dollars", 40, "user", "user", 20, accepted=True)] * 3
    for wording in range(1, WORDINGS + 1):
        request = learn_request(games, 1, Style(wording=wording), exploit=True)
        (answer,) = Phrasebook().complete([request])
        assert read_policy(read_translation(answer)) == exploiting(one_group("fair").policy())


@pytest.mark.parametrize(
    ("norm", "offered", "taken"), [("fair", 8, False), ("fair", 10, True), ("altruistic", 10, False)]
)
def test_who_is_strict_refuses_less_than_it_would_give(norm: str, offered: int, taken: bool) -> None:
    text = say_policy(one_group(norm).policy())
    lenient, strict = Phrasebook().complete(
        [answer_request(text, "dollars", 20, offered, 1, strict=strict) for strict in (False, True)]
    )
    assert read_answer(strict) is taken
    assert read_answer(lenient) is True


def meetings() -> pd.DataFrame:
    sides = {"users": "fair", "agent": "a", "strict": False, "run": 0, "epoch": 1}
    return pd.DataFrame(
        [
            {**sides, "proposer": "assistant", "responder": "user", "offered_share": 0.3, "accepted": True},
            {**sides, "proposer": "assistant", "responder": "user", "offered_share": 0.1, "accepted": False},
            {**sides, "proposer": "user", "responder": "assistant", "offered_share": 0.4, "accepted": True},
            {**sides, "proposer": "user", "responder": "user", "offered_share": 0.9, "accepted": True},
            {**sides, "proposer": "user", "responder": "assistant", "offered_share": None, "accepted": None},
        ]
    ).astype({"accepted": "boolean", "offered_share": float})


def test_earnings_are_those_of_meetings() -> None:
    (line,) = earnings_by_run(meetings()).to_dict("records")
    assert line["assistant_earns"] == pytest.approx((0.7 + 0 + 0.4) / 3)
    assert line["user_earns"] == pytest.approx((0.3 + 0 + 0.6) / 3)
    assert line["user_refuses"] == pytest.approx(0.5)
    assert line["assistant_refuses"] == 0
    earned = earnings_by_run(pd.concat([meetings().assign(run=run) for run in range(3)]))
    assert [finding.value for finding in earnings_findings(earned, "?")] == pytest.approx([1.1 / 3, 0.9 / 3, 0.0])
    assert len(earnings_table(earned)) == 1
    assert len(earnings_figure(earned).axes) == 1
