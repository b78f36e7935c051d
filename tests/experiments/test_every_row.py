"""Every row of SCAI's table has its counterpart: by the phrasebook and by an organism, each with intervals.

The five steps of ``reproduce paper`` that have rows are run as in the preset, but with as few interactions as possible.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import pytest

from scai_irl import load
from scai_irl.data.scai2023.published import RECORDED_ROWS
from scai_irl.experiment.reproduce import Step, find_reproductions, run_steps
from scai_irl.report.html.scai import Comparison, FolderFindings, comparison_of, model_label
from scai_irl.report.html.write_report import write_report
from tests.scai_irl.report.dom import by_id, of_class, parsed, rows, words

pytestmark = pytest.mark.slow

PLAYED = {"runs": 2, "epochs": 1}
FEW: dict[str, dict[str, Any]] = {
    "one-group-norm": PLAYED,
    "mixed-group-norm": PLAYED,
    "inconsistent-language": PLAYED,
    "subgroup-norms": {"societies": 2, "users": 10, "games": (1,), "held": ("firmly",)},
    "out-of-distribution": {"runs": 2, "acts": 1, "priors": ("flat", "altruistic"), "seen": ("dollars", "apples")},
}
INTERVAL = re.compile(r"\d\.\d{3} \[\d\.\d{3}, \d\.\d{3}\]")


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    steps = find_reproductions()["paper"].presets["small"]
    few: list[Step] = [
        replace(step, options={**step.options, **FEW[step.experiment]}) for step in steps if step.experiment in FEW
    ]
    assert len(few) == 2 * len(FEW)
    finished, failed = run_steps(few, tmp_path_factory.mktemp("rows"), 0, None)
    assert not failed
    return finished


@pytest.fixture(scope="module")
def compared(folders: list[Path]) -> Comparison:
    results = [load(folder) for folder in folders]
    comparison = comparison_of(
        [FolderFindings(model_label(one.manifest), one.path.name, one.findings) for one in results]
    )
    assert comparison is not None
    return comparison


def test_no_row_is_missing_and_none_lacks_a_model_an_interval_or_a_note(compared: Comparison) -> None:
    assert compared.missing == ()
    assert [row.name for row in compared.rows] == list(RECORDED_ROWS)
    assert compared.columns == ("phrasebook", "embedded bayes")
    for row in compared.rows:
        for cell in row.cells:
            assert cell, row.name
            assert all(INTERVAL.fullmatch(ours.value) for ours in cell), row.name
        assert row.notes, row.name


def test_the_procedure_of_scai_is_in_all_its_rows(compared: Comparison) -> None:
    for row in compared.rows:
        if not row.name.startswith(("abroad", "at home")):
            for cell in row.cells:
                assert {"thompson", "scai"} <= {ours.who.partition(",")[0] for ours in cell}, row.name


def test_the_row_with_a_reason_is_the_models_where_one_was_asked(folders: list[Path], compared: Comparison) -> None:
    (row,) = (row for row in compared.rows if row.name == "abroad, altruistic prior and reason")
    by_rule, by_organism = ([ours.who for ours in cell] for cell in row.cells)
    assert by_rule == ["new currencies, altruistic prior, model, with reason, warned"]
    assert all(who.endswith("no reason to give") for who in by_organism)


def test_the_page_has_all_of_it(folders: list[Path], tmp_path: Path) -> None:
    write_report(folders, tmp_path / "report.html")
    page: Element = parsed(tmp_path / "report.html")
    (table,) = of_class(page, "beside")
    lines = rows(table)[1:]
    assert [line[0] for line in lines] == list(RECORDED_ROWS)
    for line in lines:
        assert all(INTERVAL.search(cell) for cell in line[2:4]), line
        assert INTERVAL.match(line[1]) or "no interval" in line[1]
        assert line[4].startswith("note ")
    assert "without a counterpart" not in words(page)
    assert by_id(page, "scai-2023") is not None
