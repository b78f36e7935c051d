"""Speed of learning from inconsistent talk: it slows only an observer who listens. A Bayesian model is exact."""

from __future__ import annotations

import functools

import numpy as np
import pandas as pd
import pytest

from experiments.inconsistent_talk.figures import speed_figure, speed_findings, speed_table
from experiments.inconsistent_talk.model import (
    MODEL,
    NAMES,
    LanguageAndLearning,
    asked_after,
    beliefs_of_bayesians,
    beliefs_of_model,
    games_needed,
)
from scai_irl.backends.phrasebook.backend import Phrasebook
from scai_irl.experiment.run_study import Model

pytestmark = pytest.mark.slow

PLAN = LanguageAndLearning(runs=6, degrees=(0.0, 1.0), games=16, seed=1)
KEYS = ["norm", "way", "degree", "run", "games"]


@functools.cache
def bayesians() -> pd.DataFrame:
    return beliefs_of_bayesians(PLAN)


@functools.cache
def phrasebook() -> pd.DataFrame:
    return beliefs_of_model(PLAN, Model(Phrasebook()))


def test_the_phrasebook_is_a_bayesian_with_the_stated_reliability() -> None:
    trusting = bayesians().query("observer.str.startswith('trusts')").set_index(KEYS)["belief"]
    model = phrasebook()
    assert set(model["observer"]) == {MODEL}
    theirs = trusting.reindex(pd.MultiIndex.from_frame(model[KEYS]))
    assert model["belief"].to_numpy() == pytest.approx(theirs.to_numpy(), abs=1e-4)


def test_who_does_not_listen_believes_the_same_whatever_is_said() -> None:
    deaf = bayesians().query("observer == 'does not listen'")
    by_talk = deaf.pivot_table(index=["norm", "run", "games"], columns=["way", "degree"], values="belief")
    assert by_talk.to_numpy() == pytest.approx(np.repeat(by_talk.to_numpy()[:, :1], by_talk.shape[1], axis=1))
    assert deaf.query("games == 0")["belief"].to_numpy() == pytest.approx(1 / 3)
    assert deaf.query("games == 16")["belief"].mean() > 0.9


def test_trust_speeds_learning_where_talk_fits_and_slows_it_where_it_misleads() -> None:
    needed = games_needed(bayesians()).fillna({"needed": 16.0})
    mean = needed.groupby(["observer", "way", "degree"])["needed"].mean()
    deaf, trusting, learner = (mean[observer] for observer in ("does not listen", "trusts, r = .8", "finds out r"))
    assert trusting["random", 0.0] < learner["random", 0.0] < deaf["random", 0.0]
    assert trusting["misleading", 1.0] > learner["misleading", 1.0] > deaf["misleading", 1.0]


def test_games_needed_is_from_when_on_belief_stays() -> None:
    line = {"norm": "fair", "way": "random", "degree": 0.0, "observer": "o"}
    beliefs = pd.DataFrame(
        [{**line, "run": 0, "games": g, "belief": b} for g, b in enumerate((0.3, 0.95, 0.5, 0.92, 0.97))]
        + [{**line, "run": 1, "games": g, "belief": b} for g, b in enumerate((0.95, 0.95, 0.95, 0.95, 0.2))]
    )
    assert games_needed(beliefs)["needed"].tolist() == pytest.approx([3.0, np.nan], nan_ok=True)


def test_a_model_that_believes_what_a_bayesian_does_needs_as_many_games() -> None:
    both = pd.concat([bayesians(), phrasebook()], ignore_index=True)
    assert asked_after(both) == PLAN.lengths
    assert asked_after(bayesians()) == tuple(range(PLAN.games + 1))
    by_observer = games_needed(both).pivot_table(
        index=["norm", "way", "degree", "run"], columns="observer", values="needed", dropna=False
    )
    assert by_observer[MODEL].equals(by_observer["trusts, r = .8"].rename(MODEL))
    every_game = games_needed(bayesians())
    assert every_game["needed"].mean() < games_needed(both).query("observer != @MODEL")["needed"].mean()


def test_what_is_shown_is_what_was_found() -> None:
    needed = games_needed(bayesians())
    table = speed_table(needed, 16)
    assert len(table) == 4
    findings = {finding.case: finding for finding in speed_findings(needed, 16, "?", range(17))}
    assert len(findings) == 2 + 12
    trusting = needed.query("observer == 'finds out r' and way == 'misleading'").fillna({"needed": 16.0})
    by_degree = trusting.groupby("degree")["needed"].mean()
    cost = next(iter(findings.values()))
    assert "1 instead of 0, finds out r" in cost.case
    assert findings["misleading, 1 instead of 0, finds out r"].value == pytest.approx(by_degree[1.0] - by_degree[0.0])
    assert not findings["random, 1, does not listen"].why
    assert "1, 2, 4, 8, 16" in speed_findings(needed, 16, "?", PLAN.lengths)[-1].why
    one = needed.query("way == 'random' and degree == 1 and observer == 'does not listen'")["needed"].fillna(16)
    assert findings["random, 1, does not listen"].value == pytest.approx(one.mean())
    assert findings["random, 1, does not listen"].runs == len(NAMES) * PLAN.runs
    assert len(speed_figure(needed, 16).axes) == 2
