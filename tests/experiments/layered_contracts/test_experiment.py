"""Layered contracts: findings match the tables, conflicts are named, and results are reproducible."""

from __future__ import annotations

from pathlib import Path

import pytest

from experiments.layered_contracts.experiment import layered_contracts
from scai_irl.experiment.config import check
from scai_irl.io.errors import InputError
from scai_irl.results.results import Results
from tests.scai_irl.program import assert_equal_results

SMALL = {"societies": 6, "people": 3, "roles": 2, "games": (1, 3), "seed": 1}


def run(folder: Path, **changed: object) -> Results:
    return layered_contracts.run(check(layered_contracts.config, SMALL | changed | {"out": folder}))


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return run(tmp_path_factory.mktemp("layered-contracts"))


def test_findings_are_those_of_the_tables(results: Results) -> None:
    findings = results.findings.set_index("case")["value"]
    last = results.done.query("games == 3").groupby("service")[["law", "role", "satisfied"]].mean()
    for service, row in last.iterrows():
        for measure in ("law", "role", "satisfied"):
            assert findings[f"{service}, {measure}"] == pytest.approx(row[measure])
    games = 3
    cases = results.conflicts.query("games == @games")
    assert findings["organisational binds"] == pytest.approx((cases["binds"] == "organisational").mean())
    assert findings[f"named after {games} interactions"] == pytest.approx((cases["binds"] == cases["named"]).mean())
    stated, true = 1 - cases["p individual"], cases["binds"] != "individual"
    assert findings[f"bias, {games} interactions"] == pytest.approx((stated - true).mean())
    assert findings[f"squared error, {games} interactions"] == pytest.approx(((stated - true) ** 2).mean())


def test_conflicts_are_named_with_whom_they_bind(results: Results) -> None:
    assert len(results.conflicts) == 6 * 2 * 3 * 2
    counted = (results.path / "conflicts.csv").read_text().splitlines()
    assert sum(int(line.split(",")[2]) for line in counted[1:]) == 6 * 3 * 2
    named = results.conflicts.query("games == 3 and society == 0 and named != 'individual'")
    lines = (results.path / "conflicts_named.csv").read_text().splitlines()
    assert len(lines) == 1 + len(named)
    assert {file.stem for file in results.figures} == {"compliance", "reliability"}


def test_equal_commands_give_equal_results(results: Results, tmp_path: Path) -> None:
    assert_equal_results(results.path, run(tmp_path / "again").path)


def test_strengths_are_what_makes_bounds_count(tmp_path: Path) -> None:
    # Assistants follow the same bounds as people. A bound of strength 0 is no bound.
    weak = run(tmp_path / "weak", law_strength=0, role_strength=0)
    by_service = weak.done.query("games == 3").groupby("service")[["law", "role"]].mean().to_dict("index")
    assert by_service["all layers"] == pytest.approx(by_service["preferences alone"])


def test_games_have_to_rise() -> None:
    with pytest.raises(
        InputError, match=r"games: \(0, 3\) are not increasing numbers of interactions; give some from 1"
    ):
        check(layered_contracts.config, SMALL | {"games": (0, 3)})
