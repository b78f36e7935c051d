"""The audit is exact: for a model with exactly the beliefs of its world, it finds the planted number."""

from __future__ import annotations

import pandas as pd
import pytest

from scai_irl.audit.battery import NAMES, Sizes, battery
from scai_irl.audit.exact_beliefs import exact_table
from scai_irl.audit.weights import weights
from scai_irl.organisms.world import WORLDS
from tests.scai_irl.organisms.planted import GAMES, OF_A_BAYESIAN, OTHER_CURRENCIES, PLANTED, RELIABILITY
from tests.scai_irl.organisms.world_beliefs import believed

QUESTIONS = [one for one in battery(Sizes(4, 12), seed=11) if one.part not in {"mixture", "steering"}]
EXACT = exact_table(QUESTIONS)
LINEAR = {"bayes", "altruistic-prior", "one-currency"}
"""Worlds whose beliefs in the usual parts of the battery combine their own prior and the exact terms with weights 1."""


def card(name: str) -> pd.DataFrame:
    beliefs = {question.item.name: believed(WORLDS[name], question) for question in QUESTIONS}
    judged = EXACT.assign(
        believed=[beliefs[item][norm] for item, norm in zip(EXACT["item"], EXACT["norm"], strict=True)]
    )
    return pd.DataFrame(weights(judged, QUESTIONS, "token")).set_index("measure")


@pytest.mark.parametrize("name", sorted(WORLDS))
def test_of_a_world_the_planted_number_is_found_exactly(name: str) -> None:
    measured = card(name)
    for measure, value in PLANTED[name].items():
        assert measured.loc[measure, "value"] == pytest.approx(value, abs=1e-3), measure
        low, high = measured.loc[measure, ["low", "high"]].to_numpy(float)
        assert low - 1e-6 <= value <= high + 1e-6
    assert measured.loc[OTHER_CURRENCIES, "value"] == pytest.approx(
        (OF_A_BAYESIAN | PLANTED[name])[OTHER_CURRENCIES], abs=1e-3
    )
    if name in LINEAR:
        for term in ("prior", "behaviour", "language"):
            assert measured.loc[f"weight of {term}", "value"] == pytest.approx(1, abs=1e-3)
    if name not in {
        "altruistic-prior",
        "forgetful",
    }:  # long chains leave few beliefs open; only recent interactions count
        assert measured.loc[GAMES, "value"] == OF_A_BAYESIAN[GAMES]
    if name in {"bayes", "one-currency", "forgetful"}:
        assert measured.loc[RELIABILITY, "value"] == pytest.approx(0.2, abs=0.011)
        for norm in NAMES:
            assert measured.loc[f"prior implied where all are alike: {norm}", "value"] == pytest.approx(1 / 3, abs=0.02)
