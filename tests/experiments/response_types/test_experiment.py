"""Response types: findings match the tables, and results are reproducible."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from experiments.response_types.experiment import response_types
from scai_irl.experiment.config import check
from scai_irl.io.errors import InputError
from scai_irl.results.results import Results
from tests.scai_irl.program import assert_equal_results

pytestmark = pytest.mark.slow

SMALL = {"genuine": (1.0, 0.5), "people": 4, "items": 8, "repetitions": 4, "particles": 50, "seed": 1}


def run(folder: Path, **changed: object) -> Results:
    return response_types.run(check(response_types.config, SMALL | changed | {"out": folder}))


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return run(tmp_path_factory.mktemp("response-types"))


def test_findings_are_those_of_the_tables(results: Results) -> None:
    findings = results.findings.set_index("case")
    for (share, way), runs in results.estimates.groupby(["genuine", "way"]):
        case = f"{100 * float(str(share)):g} % genuine, {way}"
        assert findings.loc[f"{case}, RMSE", "value"] == pytest.approx(np.sqrt((runs["error"] ** 2).mean()))
        assert findings.loc[f"{case}, bias", "value"] == pytest.approx(runs["error"].mean())
        assert findings.loc[f"{case}, inside", "value"] == pytest.approx(runs["inside"].mean())
    half = results.items_sorted.query("genuine == 0.5")
    right = (half["right"] * half["items"]).sum() / half["items"].sum()
    assert findings.loc["50 % genuine", "value"] == pytest.approx(right)
    assert (findings["low"] <= findings["value"]).all()
    assert (findings["runs"] == 4).all()


def test_there_are_tables_to_read_and_figures(results: Results) -> None:
    assert len((results.path / "estimates.csv").read_text().splitlines()) == 1 + 2 * 3
    assert "–" in (results.path / "items_sorted.md").read_text()  # where all items are genuine, no others can be sorted
    assert {file.stem for file in results.figures} == {"error", "items_sorted"}


def test_equal_commands_give_equal_results(results: Results, tmp_path: Path) -> None:
    assert_equal_results(results.path, run(tmp_path / "again").path)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"genuine": (0.0,)}, "genuine: 0 is no share of genuine items; give a number above 0 and at most 1"),
        ({"genuine": (0.5, 0.5)}, "genuine: 0.5, 0.5 has a duplicate"),
        ({"items": 1}, "items: 1 does not fit"),
    ],
)
def test_impossible_settings_are_reported(changed: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        check(response_types.config, SMALL | changed)
