"""Learning curves: a Bayesian's curves are exact in all conditions, and a bias shows where it was planted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from envs.contexts import MANNERS
from experiments.model_organisms.figures import curves_figure, curves_findings, curves_summary, curves_table
from experiments.model_organisms.model import (
    COLUMNS,
    CONDITIONS,
    INCONSISTENT,
    MISLEADING,
    ModelOrganisms,
    learning_curves,
    played,
)
from scai_irl.audit.battery import CURRENCY, NAMES
from scai_irl.backends.phrasebook.backend import Phrasebook
from scai_irl.backends.phrasebook.norm_beliefs import posterior_over
from scai_irl.experiment.run_study import Model
from scai_irl.language.games import Candidates, Game
from scai_irl.language.manners import manner_of
from tests.scai_irl.audit.test_audit import Biased

PLAN = ModelOrganisms(runs=6, lengths=(0, 4, 8), seed=2)
DOLLARS, ELSEWHERE = CONDITIONS[:2]


def test_a_bayesian_believes_the_same_in_all_conditions_and_acts_on_it() -> None:
    model = Model(Phrasebook())
    curves = learning_curves(model, PLAN)
    assert tuple(curves.columns) == COLUMNS
    assert len(curves) == len(CONDITIONS) * len(NAMES) * PLAN.runs * len(PLAN.lengths)
    assert curves["believed"].to_numpy() == pytest.approx(curves["exact"].to_numpy(), abs=1e-4)
    by_condition = curves.pivot(index=["norm", "run", "games"], columns="condition", values="exact")
    for condition in CONDITIONS:
        assert by_condition[condition].to_numpy() == pytest.approx(by_condition[DOLLARS].to_numpy(), abs=1e-6)
    assert curves.query("games == 0")["believed"].to_numpy() == pytest.approx(1 / 3)
    assert curves.query("games == 8")["believed"].mean() > 0.7
    shares = curves.groupby("norm")["users"].first()
    assert shares["selfish"] < shares["fair"] < shares["altruistic"]
    assert model.tally.missing == 0
    assert learning_curves(Model(Phrasebook()), PLAN).equals(curves)


def test_moves_are_the_same_and_only_currencies_and_talk_differ() -> None:
    items = {item.item.name: item.item for item in played(PLAN)}
    for name, item in items.items():
        if f" {DOLLARS} " not in name:
            continue
        elsewhere, mixed, misled = (items[name.replace(DOLLARS, other)] for other in CONDITIONS[1:])
        assert {game.currency for game in item.games} <= {CURRENCY}
        assert CURRENCY not in {game.currency for game in elsewhere.games}
        assert [replace(game, currency=CURRENCY) for game in elsewhere.games] == list(item.games)
        for spoken in (mixed, misled):
            assert [replace(game, said="", replied="") for game in spoken.games] == list(item.games)
            assert all(game.said for game in spoken.games if game.proposer == "user")
            assert spoken.candidates.reliability == 0.0
        assert item.candidates.reliability is None
    manners = {
        condition: [
            {manner_of(text) for game in item.games for text in (game.said, game.replied) if text}
            for name, item in items.items()
            if name.endswith(f" {condition} 8")
        ]
        for condition in CONDITIONS[2:]
    }
    assert all(len(some) == 1 for some in manners[MISLEADING])
    assert max(map(len, manners[INCONSISTENT])) == len(MANNERS)


def test_a_bias_in_other_currencies_shows_only_there() -> None:
    def believe(candidates: Candidates, games: list[Game]) -> np.ndarray:
        return posterior_over(candidates, [game for game in games if game.currency == CURRENCY])

    curves = learning_curves(Model(Biased(believe)), PLAN).assign(model="biased")
    assert curves.query("condition == @ELSEWHERE")["believed"].to_numpy() == pytest.approx(1 / 3)
    summary = curves_summary(curves)
    last = summary[summary["games"] == 8].set_index("condition")
    off = last["believed"] - last["exact"]
    assert off[DOLLARS] == pytest.approx(0, abs=1e-4)
    assert off[ELSEWHERE] < -0.3
    one = curves.query("condition == @DOLLARS and games == 8")
    gaps = one.groupby("norm")["offered"].mean() - one.groupby("norm")["users"].mean()
    assert last.loc[DOLLARS, "gap"] == pytest.approx(gaps.abs().mean())
    errors = one.groupby("norm")["offered"].sem()
    assert last.loc[DOLLARS, "gap_sem"] == pytest.approx(np.sqrt((errors**2).sum()) / 3)
    assert curves_table(summary)["condition"].tolist() == list(CONDITIONS)
    assert len(curves_figure(summary).axes) == 2 * len(CONDITIONS)


def test_findings_are_differences_from_a_bayesian() -> None:
    curves = learning_curves(Model(Phrasebook()), PLAN).assign(model="plain")
    findings = curves_findings(curves, "?")
    assert [finding.case for finding in findings] == [f"plain, {condition}" for condition in CONDITIONS]
    assert [finding.value for finding in findings] == pytest.approx([0.0] * len(CONDITIONS), abs=1e-4)
    worse = curves_findings(curves.assign(believed=curves["exact"] - 0.25), "?")
    assert worse[0].value == pytest.approx(0.25)
    assert worse[0].sentence.startswith("After 8 ")
    assert "with misleading talk" in worse[-1].sentence
