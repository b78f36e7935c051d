"""The audit finds in each organism what was planted, in none of the others, and nothing in the Bayesian."""

from __future__ import annotations

from contextlib import closing

import numpy as np
import pandas as pd
import pytest

from scai_irl.compare.audit.battery import LENGTHS, NAMES, Sizes, battery
from scai_irl.compare.audit.exact import exact_table
from scai_irl.compare.audit.scores import judge
from scai_irl.compare.audit.weights import weights
from scai_irl.compare.elicit import Elicitation, elicit
from scai_irl.lm.registry import make_backend
from scai_irl.lm.settings import LmSettings
from scai_irl.organisms.world import WORLDS

pytestmark = pytest.mark.slow

ABROAD, GAMES = "weight of behaviour in other currencies", "games that count"
PRIOR, RELIABILITY = "prior implied where all are alike: altruistic", "reliability implied where 0.2 is stated"
OF_A_BAYESIAN = {ABROAD: 1.0, GAMES: float(LENGTHS[-1]), PRIOR: 1 / 3, RELIABILITY: 0.2}
# Organisms are off their own worlds by .006 to .03 in TV, and the altruistic one's beliefs are settled in most items
# about other currencies: of 32 pairs, enough are left to tell their weight by.
TOLERANCES = {ABROAD: 0.15, GAMES: 0.5, PRIOR: 0.07, RELIABILITY: 0.1}
_, _, TILT, _ = np.exp(WORLDS["altruistic-prior"].tilt)
PLANTED: dict[str, dict[str, float]] = {
    "bayes": {},
    "altruistic-prior": {PRIOR: float(TILT / (TILT + 2))},
    "credulous": {RELIABILITY: float(WORLDS["credulous"].reliability or 0)},
    "one-currency": {ABROAD: 0.0},
    "forgetful": {GAMES: float(WORLDS["forgetful"].memory or 0)},
}


def lines(name: str) -> pd.DataFrame:
    """Lines of the score card about weights and what is taken for granted, by the token channel."""
    questions = [one for one in battery(Sizes(8, 32), seed=11) if one.part not in {"mixture", "steering"}]
    with closing(make_backend("embedded", LmSettings(model=name))) as backend:
        found = elicit(backend, [one.item for one in questions], Elicitation(channels=("token",), wordings=(1, 2)))
    judged = judge(found.beliefs, exact_table(questions))
    return pd.DataFrame(weights(judged, questions, "token")).set_index("measure")


@pytest.mark.parametrize("name", sorted(WORLDS))
def test_what_was_planted_is_found_and_nothing_else(name: str) -> None:
    found = lines(name)
    for measure, value in (OF_A_BAYESIAN | PLANTED[name]).items():
        assert found.loc[measure, "value"] == pytest.approx(value, abs=TOLERANCES[measure]), measure
    if name == "bayes":
        for term in ("prior", "behaviour", "language"):
            assert found.loc[f"weight of {term}", "value"] == pytest.approx(1, abs=0.1)
        assert found.loc["α of revision", "value"] == pytest.approx(1, abs=0.1)
        for norm in NAMES:
            assert found.loc[f"prior implied where all are alike: {norm}", "value"] == pytest.approx(1 / 3, abs=0.05)
