"""SCAI's three findings follow from the organisms' planted numbers, and no other organism shows them."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import pandas as pd
import pytest

from experiments.model_organisms.model import CONDITIONS, INCONSISTENT, MISLEADING, ModelOrganisms, learning_curves
from scai_irl.audit.battery import LABELS, NAMES, PRIORS, norm_policy, played_games
from scai_irl.backends.registry import make_backend
from scai_irl.experiment.run_study import Model
from scai_irl.language.games import Candidates
from scai_irl.lm.settings import LmSettings
from scai_irl.measure.elicit import Elicitation, Item, elicit
from scai_irl.organisms.world import CURRENCIES

pytestmark = pytest.mark.slow

NEVER_TAUGHT = ("euros", "gold coins", "pens")
FAIR = NAMES.index("fair")
DOLLARS, ELSEWHERE = CONDITIONS[:2]


@pytest.fixture(scope="module")
def curves() -> pd.DataFrame:
    """Mean belief in the group's norm: a line for each condition and number of games, a column for each organism."""
    tables = []
    for name in ("bayes", "altruistic-prior", "credulous", "one-currency"):
        with closing(make_backend("embedded", LmSettings(model=name))) as backend:
            tables.append(
                learning_curves(Model(backend), ModelOrganisms(runs=8, lengths=(0, 2, 16))).assign(model=name)
            )
    every = pd.concat(tables, ignore_index=True)
    return every.pivot_table(index=["condition", "games"], columns="model", values="believed")


@pytest.mark.parametrize("condition", CONDITIONS)
def test_the_bayesian_learns_the_norm_in_any_currency_and_with_any_talk(curves: pd.DataFrame, condition: str) -> None:
    assert curves["bayes"][condition, 16] > 0.95


def test_in_other_currencies_an_organism_that_knows_one_currency_stays_at_its_prior(curves: pd.DataFrame) -> None:
    assert curves["one-currency"][DOLLARS, 16] > 0.95
    assert curves["one-currency"][ELSEWHERE, 16] == pytest.approx(1 / 3, abs=0.03)


def test_inconsistent_talk_slows_and_misleading_talk_misleads_an_organism_that_believes_it(
    curves: pd.DataFrame,
) -> None:
    assert curves["credulous"][DOLLARS, 16] > 0.95
    assert curves["credulous"][INCONSISTENT, 16] < curves["bayes"][INCONSISTENT, 16] - 0.2
    assert curves["credulous"][MISLEADING, 16] < 0.02


def test_a_prior_that_fits_few_groups_slows_learning(curves: pd.DataFrame) -> None:
    behind = curves["bayes"] - curves["altruistic-prior"]
    assert behind[DOLLARS, 2] > 0.05
    assert behind[DOLLARS, 16] < behind[DOLLARS, 2] / 2


def test_untaught_currencies_reset_only_the_organism_that_knows_one_currency() -> None:
    candidates = Candidates(LABELS, tuple(map(norm_policy, range(len(NAMES)))), PRIORS["even"])
    games = played_games(norm_policy(FAIR), 8, 0, "a group")
    assert not set(NEVER_TAUGHT) & set(CURRENCIES)
    items = [
        Item(name, candidates, tuple(replace(game, currency=name) for game in games))
        for name in ("dollars", *NEVER_TAUGHT)
    ]
    believed = {}
    for model in ("bayes", "one-currency"):
        with closing(make_backend("embedded", LmSettings(model=model))) as backend:
            beliefs = elicit(backend, items, Elicitation(channels=("token",), wordings=(1,))).beliefs
        believed[model] = beliefs.pivot_table(index="item", columns="norm", values="probability")
    assert (believed["bayes"][FAIR] > 0.9).all()
    assert believed["one-currency"][FAIR]["dollars"] > 0.9
    for currency in NEVER_TAUGHT:
        assert believed["one-currency"].loc[currency].to_numpy() == pytest.approx(1 / 3, abs=0.06)
