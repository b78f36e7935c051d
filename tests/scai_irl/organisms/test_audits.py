"""The audit finds in each organism what was planted, in none of the others, and nothing in the Bayesian."""

from __future__ import annotations

import functools
from contextlib import closing

import pandas as pd
import pytest

from scai_irl.audit.battery import NAMES, Sizes, battery
from scai_irl.audit.exact_beliefs import exact_table
from scai_irl.audit.scores import judge
from scai_irl.audit.weights import weights
from scai_irl.backends.registry import make_backend
from scai_irl.lm.settings import LmSettings
from scai_irl.measure.elicit import Elicitation, elicit
from scai_irl.organisms.world import WORLDS
from tests.scai_irl.organisms.planted import GAMES, OF_A_BAYESIAN, OTHER_CURRENCIES, PLANTED, PRIOR, RELIABILITY

pytestmark = pytest.mark.slow

TOLERANCES = {OTHER_CURRENCIES: 0.08, GAMES: 0.0, PRIOR: 0.05, RELIABILITY: 0.05}
"""Tolerances of measures without a planted number. Organisms differ from their own worlds by .006 to .03 in TV. Few
beliefs of the altruistic organism show how it reads talk, since most of them are nearly certain."""

OFF = 0.02
"""Tolerance of planted numbers outside the interval. It covers the choice of items, not an organism's errors."""


@functools.cache
def lines(name: str) -> pd.DataFrame:
    """Lines of the score card about weights and implied assumptions, by the token channel."""
    questions = [one for one in battery(Sizes(8, 32), seed=11) if one.part not in {"mixture", "steering"}]
    with closing(make_backend("embedded", LmSettings(model=name))) as backend:
        elicited = elicit(backend, [one.item for one in questions], Elicitation(channels=("token",), wordings=(1, 2)))
    judged = judge(elicited.beliefs, exact_table(questions))
    return pd.DataFrame(weights(judged, questions, "token")).set_index("measure")


@pytest.mark.parametrize("name", sorted(WORLDS))
def test_what_was_planted_is_found_and_nothing_else(name: str) -> None:
    card = lines(name)
    for measure, value in OF_A_BAYESIAN.items():
        if measure in PLANTED[name]:
            planted, (low, high) = PLANTED[name][measure], card.loc[measure, ["low", "high"]].to_numpy(float)
            assert low - OFF <= planted <= high + OFF, measure
        else:
            assert card.loc[measure, "value"] == pytest.approx(value, abs=TOLERANCES[measure]), measure
    if name == "bayes":
        for term in ("prior", "behaviour", "language"):
            assert card.loc[f"weight of {term}", "value"] == pytest.approx(1, abs=0.03)
        assert card.loc["α of revision", "value"] == pytest.approx(1, abs=0.03)
        for norm in NAMES:
            assert card.loc[f"prior implied where all are alike: {norm}", "value"] == pytest.approx(1 / 3, abs=0.02)


@pytest.mark.parametrize("name", sorted(set(WORLDS) - {"bayes"}))
def test_intervals_of_what_was_planted_tell_organisms_from_the_bayesian(name: str) -> None:
    (measure,) = PLANTED[name]
    (low, high), (least, most) = (lines(one).loc[measure, ["low", "high"]].to_numpy(float) for one in (name, "bayes"))
    assert high < least or most < low
