"""The report shows findings: every number in it is compared with the table of findings."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np
import pandas as pd
import pytest

from scai_irl import load
from scai_irl.cli.main import main
from scai_irl.data.scai2023.published import RECORDED_ROWS
from scai_irl.report.html.write_report import write_report
from scai_irl.results.findings import Finding, findings_table, save_findings
from tests.scai_irl.report.dom import by_id, of_class, parsed, report_on, rows, sections, words


@pytest.fixture(scope="module")
def page(report: Path) -> Element:
    return parsed(report)


def test_the_same_folders_give_the_same_bytes_and_nothing_of_their_own_moment(
    report: Path, folders: dict[str, Path], tmp_path: Path
) -> None:
    again = tmp_path / "elsewhere" / "again.html"
    main(["report", *map(str, folders.values()), "--out", str(again), "--title", "What was found"])
    assert again.read_bytes() == report.read_bytes()
    moved = [Path(shutil.copytree(folder, tmp_path / folder.name)) for folder in folders.values()]
    main(["report", *map(str, moved), "--out", str(again), "--title", "What was found"])
    assert again.read_bytes() == report.read_bytes()


def test_every_finding_is_shown_with_its_question_and_recorded_value(page: Element, folders: dict[str, Path]) -> None:
    for section, folder in zip(sections(page), folders.values(), strict=True):
        findings = load(folder).tables.get("findings", pd.DataFrame({"sentence": [], "question": [], "recorded": []}))
        assert [words(line) for line in of_class(section, "sentence")] == list(findings["sentence"])
        assert [words(question) for question in section.iter("h4")] == list(dict.fromkeys(findings["question"]))
        notes = [words(note) for note in of_class(section, "notes")]
        for note, recorded in zip(notes, findings["recorded"], strict=True):
            assert (f"SCAI (2023): {recorded:.3f}" in note) == (not np.isnan(recorded))
    short = words(by_id(page, "in-short"))
    assert short == "In short"
    (answers,) = of_class(page, "short")
    for name in ("one", "two"):
        first = load(folders[name]).findings.iloc[0]
        assert first["question"] in words(answers)
        assert first["sentence"] in words(answers)


def finding(value: float, low: float = np.nan, high: float = np.nan, **more: object) -> Finding:
    fields = {"question": "How far off?", "case": "5v5, fair users, map", "answer": "They are {value} off."} | more
    return Finding(value=value, low=low, high=high, **fields)  # type: ignore[arg-type]


def test_numbers_stand_on_their_axis_where_they_belong(bare: Path) -> None:
    findings = [
        finding(0.1, 0.05, 0.2, recorded=0.4, goal="at most 0.05", runs=20),
        finding(0.3, goal="at least 0.2"),
        finding(float("nan"), goal="at most 0.05"),
    ]
    save_findings(bare, findings)
    page = report_on(bare)
    first, second = [strip for strip in of_class(page, "strip") if "scale" not in strip.get("class", "")]
    (scale,) = of_class(page, "scale")
    x = [float(tick.get("x", "nan")) for tick in scale.iter("text")]
    at = [float(words(tick)) for tick in scale.iter("text")]
    assert at[0] == 0

    def value(text: str | None) -> float:
        return float(np.interp(float(text or "nan"), x, at))

    tolerance = 0.06 * (at[-1] - at[0]) / (x[-1] - x[0])  # coordinates have one decimal
    assert value(of_class(first, "value")[0].get("cx")) == pytest.approx(0.1, abs=tolerance)
    ends = re.findall(r"[\d.]+", str(of_class(first, "interval")[0].get("d")))
    assert [value(ends[0]), value(ends[2])] == pytest.approx([0.05, 0.2], abs=tolerance)
    diamond = re.findall(r"[\d.]+", str(of_class(first, "recorded")[0].get("transform")))[0]
    assert value(diamond) == pytest.approx(0.4, abs=tolerance)
    goal = re.findall(r"[\d.]+", str(of_class(second, "goal")[0].get("d")))[0]
    assert value(goal) == pytest.approx(0.2, abs=tolerance)
    assert not of_class(second, "interval")
    notes = [words(note) for note in of_class(page, "notes")]
    assert notes[0] == "5v5, fair users, map · n = 20 · SCAI (2023): 0.400 · goal: at most 0.05 · missed"
    assert [len(of_class(page, verdict)) for verdict in ("met", "missed")] == [1, 1]
    assert "1 of 3 findings have no number." in words(page)


def test_findings_of_the_same_number_have_an_axis(bare: Path) -> None:
    save_findings(bare, [finding(0.0, 0.0, 0.0)])
    (scale,) = of_class(report_on(bare), "scale")
    assert [float(words(tick)) for tick in scale.iter("text")][::2] == [0, 1]


def test_findings_are_compared_with_scai_in_its_order(bare: Path, folders: dict[str, Path]) -> None:
    name = "abroad, no prior"
    save_findings(
        bare,
        [
            finding(0.025, 0.01, 0.04, row=name, recorded=0.415, why="Users' share, not the gap."),
            finding(0.02, row="5v5 fair", recorded=0.004),
            finding(0.03, row="mixed 50/50", recorded=0.345),
            finding(0.5, row="of our own"),
        ],
    )
    write_report([bare, folders["one"]], bare.with_suffix(".html"))
    page = parsed(bare.with_suffix(".html"))
    assert "one text reused for all runs" in words(page)
    (table,) = of_class(page, "beside")
    heading, *lines = rows(table)
    assert heading == ["condition", "SCAI (2023)", "embedded bayes", "phrasebook", "explained in"]
    by_name = {line[0]: line[1:] for line in lines}
    assert list(by_name) == [row for row in RECORDED_ROWS if row in by_name] + ["of our own"]
    for row, cells in by_name.items():
        assert cells[0].startswith(f"{RECORDED_ROWS[row].gap:.3f}" if row in RECORDED_ROWS else "–")
    assert by_name[name][0] == "0.391 no interval: one text reused for all runs"
    assert by_name["5v5 fair"][0] == "0.004 no interval"
    assert by_name["mixed 50/50"][0] == "0.345 [0.269, 0.419]"
    assert by_name["of our own"][0] == "–"
    assert by_name[name][1:] == ["0.025 [0.010, 0.040] map, SCAI (2023): 0.415", "–", "note 2"]
    (notes,) = of_class(page, "explained")
    assert words(notes[1]) == "Users' share, not the gap."
    assert notes[1].get("id") == "note-2"
    ours = load(folders["one"]).findings.set_index("row").loc["5v5 fair"]
    assert by_name["5v5 fair"][1:3] == ["0.020 map", f"{ours.value:.3f} [{ours.low:.3f}, {ours.high:.3f}] thompson"]
    missing = [row for row in RECORDED_ROWS if row not in by_name]
    assert f"without a counterpart in these folders: {'; '.join(missing)}." in words(page)


def test_without_a_row_there_is_no_comparison(bare: Path) -> None:
    save_findings(bare, [finding(0.1)])
    assert not of_class(report_on(bare), "beside")


def test_a_folder_with_only_a_manifest_is_reported(bare: Path) -> None:
    page = report_on(bare)
    assert words(page.find(".//h1")) == "bare"
    assert "This folder has no findings" in words(page)
    assert "The run has not finished" in words(page)


def test_folders_of_one_name_are_distinguished(finished: Path, tmp_path: Path) -> None:
    both = [Path(shutil.copytree(finished, tmp_path / side / "results")) for side in ("left", "right")]
    write_report(both, tmp_path / "report.html")
    page = parsed(tmp_path / "report.html")
    assert [words(heading).partition(" · ")[2] for heading in page.iter("h2")][-2:] == ["left/results", "right/results"]
    assert words(page.find(".//h1")) == "one-group-norm"


def test_a_table_of_findings_made_by_hand_is_the_same_as_one_that_is_saved(bare: Path) -> None:
    findings = [finding(0.1, why="because")]
    save_findings(bare, findings)
    pd.testing.assert_frame_equal(load(bare).findings, findings_table(findings), check_dtype=False)
    assert "because" in words(report_on(bare))
