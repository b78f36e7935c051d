"""Experiments in memory have the same numbers as those on disk, and users may change their norm."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from envs import Schedule, mixture, one_group
from experiments.group_norm.gaps_by_setting import epochs_figure, gaps_by, sweep_figure, sweep_table
from experiments.group_norm.recovery import epochs_behind, recovery_findings, recovery_table
from experiments.group_norm.spread import spread_findings
from inference import named_norms
from scai_irl.backends.phrasebook.backend import Phrasebook
from scai_irl.lm.tally import Tally
from scai_irl.loop.in_memory import play_in_memory
from scai_irl.loop.run import play_or_resume
from scai_irl.loop.setting import Condition, Setting

LATER = ((3, one_group("altruistic")),)
SETTING = Setting(
    experiment="whole",
    seed=3,
    conditions=tuple(Condition(one_group("selfish"), agent, later=LATER) for agent in ("thompson", "scai", "oracle")),
    schedules=(Schedule.named("5v5"),),
    runs=(0, 1, 2),
    epochs=5,
    currencies=("dollars",),
    stakes=(20, 40),
    rationality=200.0,
    lapse=0.0,
    hypotheses=named_norms(),
)


@pytest.fixture(scope="module")
def both() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Gaps of agents that do not expect change, and of agents that do."""
    plain, expecting = (play_in_memory(replace(SETTING, hazard=h), Phrasebook(), Tally()).alignment for h in (0.0, 0.2))
    return plain, expecting


@pytest.mark.slow
def test_memory_and_disk_agree(tmp_path: Path) -> None:
    tally = Tally()
    played = play_in_memory(SETTING, Phrasebook(), tally)
    stored = play_or_resume(SETTING, Phrasebook(), tmp_path)
    pd.testing.assert_frame_equal(played.interactions, stored.interactions, check_dtype=False)
    pd.testing.assert_frame_equal(played.beliefs, stored.beliefs, check_dtype=False)
    assert played.verbal_policies["written"].tolist() == stored.verbal_policies["written"].tolist()
    assert tally.calls == stored.tally.calls


def test_users_act_by_the_norm_that_they_hold_then() -> None:
    played = play_in_memory(SETTING, Phrasebook(), Tally())
    by_users = played.interactions.query("proposer == 'user'").groupby("epoch")["offered_share"].mean()
    assert (by_users[[1, 2]] < 0.1).all()
    assert (by_users[[3, 4, 5]] > 0.9).all()
    truth = played.beliefs.query("norm == 'altruistic' and run == 0 and agent == 'oracle'").set_index("epoch")["truth"]
    assert truth.tolist() == [0, 0, 0, 1, 1, 1]
    oracle = played.alignment.query("agent == 'oracle'")
    assert oracle["gap"].max() < 0.05
    changing = Condition(one_group("fair"), "map", later=((2, mixture({"fair": 0.5, "selfish": 0.5})),))
    assert changing.users == "fair, from 2 fair=0.5,selfish=0.5"
    assert replace(changing, manner="rude").users_and_manner == f"{changing.users}, rude"


def test_an_agent_that_expects_change_follows_sooner(both: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    plain, expecting = both
    behind = [epochs_behind(gaps, [], 3).groupby("agent")["behind"].mean() for gaps in both]
    assert behind[0]["oracle"] == 0
    assert 1 <= behind[1]["thompson"] < plain_behind(plain)
    assert behind[0]["scai"] == pytest.approx(1.0)
    pd.testing.assert_frame_equal(plain.query("agent == 'scai'"), expecting.query("agent == 'scai'"))


def plain_behind(gaps: pd.DataFrame) -> float:
    """Epochs by which agents that do not expect change are behind; all three if they never recover."""
    return float(epochs_behind(gaps, [], 3).query("agent == 'thompson'")["behind"].fillna(3).mean())


def test_runs_that_never_come_back_count_in_full() -> None:
    gaps = {0: (0.0, 0.9, 0.3, 0.2), 1: (0.0, 0.9, 0.01, 0.9)}
    lines = [
        {"users": "u", "agent": "a", "run": run, "epoch": epoch, "gap": gap, "h": 0.1}
        for run, some in gaps.items()
        for epoch, gap in enumerate(some, start=1)
    ]
    table = pd.DataFrame(lines)
    assert epochs_behind(table, ["h"], 2)["behind"].tolist() == pytest.approx([np.nan, 1.0], nan_ok=True)
    (finding,) = recovery_findings(table, ["h"], 2, "?")
    assert finding.value == pytest.approx(2.0)
    assert "1 of 2 runs never caught up and count as 3" in finding.sentence
    assert recovery_table(table, ["h"], 2)["never back"].tolist() == ["1 of 2"]


def test_sweeps_average_conditions_within_a_run(both: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    gaps = pd.concat([table.assign(h=h, k=1) for h, table in zip((0.0, 0.2), both, strict=True)])
    findings = gaps_by(gaps, ["h"], "?")
    assert [finding.case for finding in findings][:2] == ["h 0.0, thompson", "h 0.0, scai"]
    first = both[0].query("agent == 'thompson' and epoch == 5")["gap"]
    assert findings[0].value == pytest.approx(first.mean())
    assert findings[0].runs == 3
    assert len(sweep_table(gaps, ["h"])) == 6
    assert len(sweep_figure(gaps, "h", "k").axes) == 3
    assert len(epochs_figure(gaps, "h").axes) == 3


def test_spread_is_that_of_one_run_and_of_runs() -> None:
    shares = {(1, 0): (0.0, 1.0), (1, 1): (0.5, 0.5), (2, 0): (0.2, 0.2), (2, 1): (0.8, 0.8)}
    lines = [
        {"agent": "a", "epoch": epoch, "run": run, "offered_share": share}
        for (epoch, run), pair in shares.items()
        for share in pair
    ]
    first, last, between = spread_findings(pd.DataFrame(lines), "?")
    assert first.value == pytest.approx(np.sqrt(0.5) / 2)
    assert last.value == pytest.approx(0)
    assert between.value == pytest.approx(0.3)
