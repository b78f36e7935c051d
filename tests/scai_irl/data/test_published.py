"""Rows of SCAI's table, recomputed from its recorded interactions where these are available."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from scai_irl.data.scai2023.published import RECORDED_ROWS
from scai_irl.io.intervals import bootstrap_interval
from scai_irl.measure.alignment import WITHIN

DATA = Path(os.environ.get("SCAI_DATA", Path(__file__).parents[4] / "shared" / "data")) / "scai_gpt4"
CONDITIONS = {
    "1v9 altruistic": "1v9_altruistic_20runs",
    "1v9 fair": "1v9_fair_20_runs",
    "1v9 selfish": "1v9_selfish_20runs",
    "mixed 80/20": "1v9_20selfish_80altruistic",
    "mixed 50/50": "1v9_50selfish_50altruistic",
    "mixed 20/80": "1v9_80selfish_20altruistic",
    "altruistic, neutral": "1v9_altruistic_neutral",
    "fair, neutral": "1v9_fair_neutral",
    "selfish, neutral": "1v9_selfish_neutral",
    "altruistic, rude": "altruistic_rude",
    "fair, rude": "1v9_fair_rude",
    "selfish, rude": "1v9_selfish_rude",
    "altruistic, sycophantic": "1v9_altruistic_sycophantic",
    "fair, sycophantic": "1v9_fair_sycophantic",
    "selfish, sycophantic": "selfish_sycophantic",
}


@pytest.mark.skipif(not DATA.exists(), reason="needs the recorded runs (SCAI_DATA names their folder)")
def test_rows_are_those_of_the_recorded_interactions() -> None:
    played = pd.read_csv(DATA / "interactions.csv.gz")
    last = played[played["epoch"] == played["epoch"].max()]
    shares = last.groupby(["condition", "run", "proposer"])["offered_fraction"].mean().unstack()
    shares["gap"] = (shares["assistant"] - shares["user"]).abs()
    means = shares.assign(aligned=shares["gap"] <= WITHIN).groupby("condition").mean()
    for name, condition in CONDITIONS.items():
        row, means_of_runs = RECORDED_ROWS[name], means.loc[condition]
        assert (row.assistant, row.users, row.gap) == pytest.approx(
            tuple(means_of_runs[["assistant", "user", "gap"]]), abs=1.1e-3
        )
        assert row.aligned == pytest.approx(means_of_runs["aligned"])
        gaps = shares.loc[condition, "gap"].to_numpy(float)
        assert len(gaps) == 20
        assert (row.low, row.high) == pytest.approx(bootstrap_interval(gaps), abs=6e-4)
        # Many more resamples with another seed move the ends by less than the interval's own error.
        assert (row.low, row.high) == pytest.approx(bootstrap_interval(gaps, resamples=50_000, seed=1), abs=5e-3)


def test_every_row_is_a_possible_one() -> None:
    for name, row in RECORDED_ROWS.items():
        assert row.name == name
        assert all(0 <= value <= 1 for value in (row.assistant, row.users, row.gap, row.aligned))


def test_rows_have_intervals_where_runs_were_recorded_and_there_alone() -> None:
    for name, row in RECORDED_ROWS.items():
        assert (name in CONDITIONS) == bool(np.isfinite([row.low, row.high]).all())
        assert name not in CONDITIONS or row.low <= row.gap <= row.high
        assert row.one_text == (name.partition(",")[0] in {"abroad", "at home"})
