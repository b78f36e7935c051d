"""The report shows a folder's beliefs, texts, tables, cost and failures, compared with its files."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from xml.etree.ElementTree import Element

import numpy as np
import pandas as pd
import pytest

from scai_irl import load
from scai_irl.cli.main import main
from tests.scai_irl.report.dom import of_class, parsed, report_on, rows, sections, words


@pytest.fixture(scope="module")
def page(report: Path) -> Element:
    return parsed(report)


def test_panels_draw_the_mean_weights_of_every_condition(page: Element, folders: dict[str, Path]) -> None:
    beliefs = load(folders["two"]).beliefs
    (panel,) = of_class(sections(page)[1], "panel")
    assert words(panel.find("figcaption")) == beliefs["condition"].iloc[0]
    means = beliefs.groupby(["norm", "epoch"], sort=False)["weight"].mean()
    positions = [re.findall(r"[\d.]+", str(mark.get("transform"))) for mark in of_class(panel, "mark")]
    ticks = [float(text.get("x", "nan")) for text in panel.iter("text") if text.get("y") == "124"]
    norms = list(dict.fromkeys(beliefs["norm"]))
    expected = [(ticks[epoch], 112 - 104 * means[norm, epoch]) for norm in norms for epoch in (0, 1, 2)]
    np.testing.assert_allclose(np.array(positions, float), expected, atol=0.051)
    colours = [mark.get("fill") for mark in of_class(panel, "mark")]
    assert colours == [f"var(--c{number})" for number in range(len(norms)) for _ in range(3)]
    assert [words(item) for item in of_class(sections(page)[1], "key")[-1].iter("li")] == norms
    runs = [str(path.get("d")).count("M") for path in of_class(panel, "run")]
    assert runs == [beliefs["run"].nunique()] * len(norms)
    for norm in norms:
        numbers = ", ".join(f"{means[norm, epoch]:.3f}" for epoch in (0, 1, 2))
        assert f"{norm} {numbers}" in words(panel)


def moments(section: Element) -> dict[tuple[str, int, int], tuple[list[str], list[str]]]:
    """Bars and texts of each moment, by condition, run and epoch."""
    by_moment = {}
    for article in section.iter("article"):
        condition, run, epoch = re.fullmatch(r"(.*), run (\d+), epoch (\d+)", str(article.get("aria-label"))).groups()  # type: ignore[union-attr]
        bars = [str(bar.get("aria-label")) for bar in of_class(article, "bars")]
        by_moment[condition, int(run), int(epoch)] = (bars, [words(quote) for quote in article.iter("blockquote")])
    return by_moment


def test_verbal_policies_are_shown_with_the_posterior_they_were_drawn_from(
    page: Element, folders: dict[str, Path]
) -> None:
    results = load(folders["one"])
    by_moment = moments(sections(page)[0])
    assert len(by_moment) == 2 * 2 * 2  # conditions, runs, epochs
    for (condition, run, epoch), (bars, texts) in by_moment.items():
        place = f"condition == {condition!r} and run == {run}"
        beliefs = results.beliefs.query(f"{place} and epoch == {epoch - 1}")  # before the epoch
        weights = ", ".join(f"{line.norm} {line.weight:.3f}" for line in beliefs.itertuples())
        assert bars == [f"Numerical posterior: {weights}"]
        followed = Counter(results.verbal_policies.query(f"{place} and epoch == {epoch}")["written"])
        assert set(texts) <= set(followed)
        assert len(texts) == min(len(followed), 3)
        assert texts == sorted(texts, key=lambda text: -followed[text])


def test_recorded_policies_are_shown_with_beliefs_and_behaviour(page: Element, folders: dict[str, Path]) -> None:
    results = load(folders["recorded"])
    beliefs = results.audit_beliefs.query("memory == 'all'")
    by_moment = moments(sections(page)[2])
    assert {epoch for _, _, epoch in by_moment} == {1, 2}
    for (name, run, epoch), (bars, texts) in by_moment.items():
        lines = beliefs[(beliefs["condition"] == name.partition(",")[0]) & (beliefs["run"] == run)]
        believed = lines[lines["epoch"] == epoch]
        numerical = ", ".join(f"{line.norm} {line.weight:.3f}" for line in believed.itertuples())
        verbal = ", ".join(f"{line.norm} {line.verbal:.3f}" for line in believed.itertuples())
        assert bars == [f"Numerical posterior: {numerical}", f"Verbal posterior: {verbal}"]
        written = results.verbal_policies.query(f"run == {run} and epoch == {epoch}")
        in_force = written[written["condition"] == name.partition(",")[0]]["in_force"].dropna()
        assert texts == list(in_force)


def test_tables_are_the_csv_files_cell_by_cell(page: Element, folders: dict[str, Path]) -> None:
    for section, name in zip(sections(page), ("one", "two"), strict=False):
        written = pd.read_csv(folders[name] / "summary.csv", dtype=str)
        (shown,) = [table for table in section.iter("table") if words(table.find("caption")) == "Summary"]
        assert rows(shown) == [list(written), *written.to_numpy().tolist()]
    assert "summary.csv · summary.md · summary.tex" in words(sections(page)[0])


def test_long_tables_are_cut_and_say_so(bare: Path) -> None:
    pd.DataFrame({"name": [f"n{i}" for i in range(250)], "number": np.arange(250) / 7}).to_csv(
        bare / "many.csv", index=False
    )
    (table,) = [table for table in report_on(bare).iter("table") if words(table.find("caption")).startswith("Many")]
    assert words(table.find("caption")) == "Many first 200 of 250 rows"
    assert len(rows(table)) == 201
    assert rows(table)[1:4] == [["n0", "0.000"], ["n1", "0.143"], ["n2", "0.286"]]


def test_cost_is_added_up_by_condition(page: Element, folders: dict[str, Path]) -> None:
    costs = load(folders["one"]).costs
    (table,) = [t for t in sections(page)[0].iter("table") if words(t.find("caption")) == "Cost by condition"]
    heading, *lines = rows(table)
    for line in lines:
        mine = costs[costs["condition"] == line[0]]
        assert line[1:] == [f"{mine[name].sum():,}" for name in heading[1:]]
    assert len(lines) == costs["condition"].nunique()
    counts = load(folders["one"]).manifest.counts
    for name in ("calls", "prompt_tokens", "completion_tokens"):
        assert f"{counts[name]:,} {name.replace('_', ' ')}" in words(sections(page)[0])


def test_the_manifest_is_there_whole(page: Element, folders: dict[str, Path]) -> None:
    manifest = json.loads((folders["one"] / "manifest.json").read_text())
    (fold,) = of_class(sections(page)[0], "manifest")
    shown = dict(row for table in fold.iter("table") for row in rows(table)[1:])
    for name in ("config", "versions", "prompts"):
        for key, value in manifest[name].items():
            assert shown[key] == (value if isinstance(value, str) else json.dumps(value))
    for name in ("seed", "python", "host", "git_commit", "config_hash", "started", "finished"):
        assert manifest[name] is None or shown[name] == str(manifest[name])


def test_failures_and_diagnostics_are_reported(results: Path) -> None:
    manifest = json.loads((results / "manifest.json").read_text())
    manifest |= {"status": "running", "service": {"server restarted": 3, "timeouts": 0}}
    manifest["counts"] |= {"unreadable": 7, "missing": 2, "divergent steps": 9}
    (results / "manifest.json").write_text(json.dumps(manifest))
    costs = load(results).costs
    costs.assign(unreadable=[7, 0], missing=[2, 0]).to_parquet(results / "costs.parquet")
    unread = pd.DataFrame({"file": ["a.json"], "where": ["interaction 0"], "reason": ["no offer"]})
    unread.to_parquet(results / "unread.parquet")
    pd.DataFrame({"number": ["α"], "r_hat": [1.08], "inside": [False]}).to_parquet(results / "fits.parquet")
    page = report_on(results)
    text = words(page)
    for line in (
        "The run has not finished",
        f"7 of {manifest['counts']['calls']} answers could not be read",
        "2 requests were left without an answer",
        "Service: 3 server restarted",
        "1 entries of the data could not be read",
        "9 divergent steps",
        "largest R̂ in fits: 1.080, above 1.01",
        "0 of 1 numbers in fits inside the 95 % envelope",
    ):
        assert line in text
    assert "timeouts" not in text.partition("Failures")[2].partition("Manifest")[0]
    captions = [words(caption) for caption in page.iter("caption")]
    assert {"Entries that could not be read", "Unreadable and missing answers by condition"} <= set(captions)


@pytest.mark.slow
def test_every_kind_of_folder_can_be_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    lines = [f"{who},20,{offer},{int(offer > who)}" for who in range(6) for offer in (2, 5, 9)]
    Path("people.csv").write_text("subject,stake,offer,accepted\n" + "\n".join(lines) + "\n")
    for command in (
        "audit model --channels stated token --wordings 1 --acts 2 --out card",
        "calibrate fehr-schmidt --replications 50 --cores 1 --out calibrated",
        "run model-organisms --models bayes --runs 2 --lengths 0 2 --out organisms",
        "import human csv people.csv --out people",
        "run human-norms --data people --families fehr-schmidt --method laplace --out human",
        "report card calibrated organisms people human",
    ):
        main(command.split())
    page = parsed(Path("report.html"))
    captions = {words(caption).partition(" first")[0] for caption in page.iter("caption")}
    assert {"Scorecard", "Calibration", "Curves", "Comparison", "Estimates", "Warnings"} <= captions
    names = {words(name) for name in of_class(page, "name")}
    assert names >= {"Calibration", "Learning curves", "Human fit"}
    assert not list(page.iter("img"))  # all of the project's figures are drawn
    assert words(page.find(".//h1")) == "5 experiments"
