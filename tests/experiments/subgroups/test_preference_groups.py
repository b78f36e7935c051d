"""Majorities and minorities: findings are the worst groups of the table, and settings are checked."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.subgroups.preference_groups import preference_groups
from scai_irl.experiment.config import check
from scai_irl.io.errors import InputError
from scai_irl.results.results import Results
from tests.scai_irl.program import assert_equal_results

SMALL = {"shares": (0.5, 0.2), "societies": 4, "users": 10, "games": 2, "seed": 1}


def run(folder: Path, **changed: object) -> Results:
    return preference_groups.run(check(preference_groups.config, SMALL | changed | {"out": folder}))


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return run(tmp_path_factory.mktemp("preference-groups"))


def test_findings_are_about_the_worst_group_of_each_society(results: Results) -> None:
    findings = results.findings
    case = "minority of 20 %, norms loosely held, one mixture for all"
    chosen = results.served.query("minority == 0.2 and held == 'loosely' and service == 'one mixture for all'")
    by_society = chosen.groupby("society")
    gap, worth = findings[findings["case"] == case].to_dict("records")
    assert gap["value"] == pytest.approx(by_society["gap"].max().mean())
    assert worth["value"] == pytest.approx(by_society["satisfaction"].min().mean())
    assert gap["low"] <= gap["value"] <= gap["high"]
    assert (findings["runs"] == 4).all()
    assert len(findings) == 2 * 2 * 2 * 3


def test_group_norms_leave_the_smallest_gap(results: Results) -> None:
    gaps = results.findings[results.findings["question"].str.contains("How large is the gap")]
    for _, same in gaps.groupby(gaps["case"].str.rpartition(",")[0]):
        by_service = same.set_index(same["case"].str.rpartition(", ")[2])["value"]
        assert by_service.idxmin() == "group norms"
    assert {file.stem for file in results.figures} == {"worst_group"}


def test_equal_commands_give_equal_results(results: Results, tmp_path: Path) -> None:
    assert_equal_results(results.path, run(tmp_path / "again").path)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"minority": "altruistic"}, "minority: altruistic is also the majority's norm; give another one"),
        ({"shares": (0.6,)}, "shares: 0.6 is no share of a minority; give a number above 0 and at most 0.5"),
        ({"shares": (0.2, 0.2)}, "shares: 0.2, 0.2 has a duplicate"),
        ({"users": 4, "shares": (0.05,)}, "users: none of 4 users would be selfish; give more users"),
    ],
)
def test_impossible_settings_are_reported(changed: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        check(preference_groups.config, SMALL | changed)
