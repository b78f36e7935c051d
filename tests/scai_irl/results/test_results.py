"""Results of a folder: typed tables, an ArviZ object, figures and its manifest."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from inference import arviz_compat
from scai_irl import InputError, load, plot_posterior
from scai_irl.cli.main import main
from scai_irl.language.instructions import instruction_hashes

TABLES = {"interactions", "verbal_policies", "beliefs", "costs", "alignment", "summary", "findings"}
DESIGN = {"experiment", "condition", "group", "users", "agent"}


def test_every_table_is_an_attribute_with_its_design(finished: Path) -> None:
    results = load(finished)
    assert set(results.tables) == TABLES
    for name in TABLES - {"findings"}:
        table = getattr(results, name)
        assert set(table) >= DESIGN | {"epoch"}
        assert len(table) > 0
    assert load(str(finished)).interactions.equals(results.interactions)


def test_columns_of_interactions_have_their_types(finished: Path) -> None:
    table = load(finished).interactions
    kinds = {name: str(dtype) for name, dtype in table.dtypes.items()}
    expected = dict.fromkeys(["run", "epoch", "play", "stake"], "int64")
    expected |= dict.fromkeys(["offered_share", "user_accept_probability"], "float64")
    expected |= {"offer": "Int64", "accepted": "boolean"}
    assert kinds.items() >= expected.items()
    for name in ("proposer", "responder", "pairing", "currency", "proposer_policy", "responder_policy"):
        assert pd.api.types.is_string_dtype(table[name])
    assert len(table) == 2 * 2 * 10  # runs, epochs, plays


def test_a_missing_table_is_named_with_the_existing_ones(finished: Path) -> None:
    with pytest.raises(AttributeError, match=r"no table 'unread'; it has .*interactions"):
        _ = load(finished).unread


def test_posteriors_are_an_arviz_object_over_conditions_runs_and_epochs(finished: Path) -> None:
    results = load(finished)
    draws = arviz_compat.group(results.posterior, "posterior")
    assert dict(draws["norm"].sizes) == {"chain": 1, "draw": 200, "condition": 1, "run": 2, "epoch": 3}
    assert draws["condition"].to_numpy().tolist() == ["fair 5v5 thompson"]
    exact = arviz_compat.group(results.posterior, "constant_data")
    assert exact["probability"].dims == ("condition", "run", "epoch", "hypothesis")
    np.testing.assert_allclose(exact["probability"].sum("hypothesis"), 1, atol=1e-6)  # float32's digits
    np.testing.assert_allclose(exact["probability"].sel(epoch=0), 1 / 3, atol=1e-6)
    assert set(exact["hypothesis_norm"].to_numpy()) == {"selfish", "fair", "altruistic"}
    assert {str(name) for name in draws.data_vars} >= {"rationality", "lapse", "hypothesis"}
    assert "norm" in draws.coords  # text cannot be summarised


def test_posterior_and_beliefs_table_say_the_same(finished: Path) -> None:
    results = load(finished)
    exact = arviz_compat.group(results.posterior, "constant_data")
    norms = exact["hypothesis_norm"].to_numpy().tolist()
    for line in results.beliefs.itertuples():
        place = {"condition": line.condition, "run": line.run, "epoch": line.epoch}
        probability = exact["probability"].sel(place).to_numpy()[norms.index(line.norm)]
        assert line.weight == pytest.approx(float(probability), abs=1e-6)  # float32's digits
        assert line.truth == (1.0 if line.norm == "fair" else 0.0)


def test_a_folder_without_posteriors_says_so(recording: Path, tmp_path: Path) -> None:
    main(["import", "scai2023", str(recording), "--out", str(tmp_path / "out")])
    with pytest.raises(InputError, match="there are no posteriors in this folder"):
        _ = load(tmp_path / "out").posterior


def test_the_manifest_tells_where_the_results_came_from(finished: Path) -> None:
    manifest = load(finished).manifest
    assert (manifest.experiment, manifest.status, manifest.seed) == ("one-group-norm", "finished", 0)
    assert manifest.backend == "phrasebook"
    assert manifest.prompts == instruction_hashes()
    assert manifest.config["runs"] == 2
    assert manifest.config["group"] == ["5v5"]
    assert "out" not in manifest.config  # folders may be moved
    assert {"jax", "numpy", "pandas", "arviz"} <= set(manifest.versions)
    assert manifest.finished is not None
    assert manifest.started <= manifest.finished
    assert manifest.counts["calls"] == 2 * 2 * 2 * 10  # runs, epochs, (told, acting), assistants
    assert manifest.counts["missing"] == manifest.counts["unreadable"] == 0


def test_figures_and_tables_for_papers_are_there_and_whole(finished: Path) -> None:
    names = {file.name for file in (finished / "figures").iterdir()}
    stems = ("alignment_gap", "offered_share_thompson", "beliefs_thompson")
    assert names == {f"{stem}.{suffix}" for stem in stems for suffix in ("png", "pdf", "svg")}
    for file in (finished / "figures").iterdir():
        assert file.read_bytes().startswith({".png": b"\x89PNG", ".pdf": b"%PDF", ".svg": b"<?xml"}[file.suffix])
    assert [path.name for path in load(finished).figures] == sorted(name for name in names if name.endswith(".png"))
    summary = pd.read_csv(finished / "summary.csv")
    assert len(summary) == 1
    assert summary["users"].tolist() == ["fair"]
    assert r"\begin{tabular}" in (finished / "summary.tex").read_text()
    assert (finished / "summary.md").read_text().startswith("|")


def test_no_file_is_a_pickle_and_none_names_this_machine(finished: Path) -> None:
    suffixes = {file.suffix for file in finished.rglob("*") if file.is_file() and file.name != ".lock"}
    assert suffixes == {".json", ".parquet", ".nc", ".csv", ".md", ".tex", ".png", ".pdf", ".svg"}
    for file in finished.rglob("*"):
        if file.is_file():
            assert str(finished).encode() not in file.read_bytes()


def test_show_prints_the_table_the_counts_and_the_figures(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    main(["show", str(finished)])
    out, err = capsys.readouterr()
    assert err == ""
    assert "one-group-norm, after epoch 2" in out
    assert "2 of 2" in out
    assert "finished, seed 0, phrasebook; 80 calls" in out
    for figure in load(finished).figures:
        assert f"figure: {figure}" in out.splitlines()
    assert out.splitlines()[-1] == f"results: {finished}"


def test_results_name_the_phrasebook_once(finished: Path) -> None:
    assert "model    phrasebook" in map(str.strip, repr(load(finished)).splitlines())


def test_results_can_be_plotted(finished: Path) -> None:
    (axes,) = plot_posterior(load(finished)).axes
    assert [label.get_text() for label in axes.get_yticklabels()] == ["fair 5v5 thompson"]


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({"counts": {}}, "finished, seed 0, phrasebook"),
        ({"status": "running"}, "running or stopped, seed 0; after a stop, the same command continues it"),
    ],
)
def test_show_prints_the_status(
    changed: dict[str, object], line: str, results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = json.loads((results / "manifest.json").read_text())
    (results / "manifest.json").write_text(json.dumps(manifest | changed))
    main(["show", str(results)])
    assert line in capsys.readouterr().out.splitlines()


def test_show_takes_text_from_files_as_text(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = pd.DataFrame({"file": ["[bold]a[/bold]"], "where": [""], "reason": ["[link=x]\x1b[31mred"]})
    table.to_parquet(results / "unread.parquet")
    summary = pd.read_csv(results / "summary.csv").assign(users="[red]fair[/red]\x1b[2J")
    summary.to_csv(results / "summary.csv", index=False)
    manifest = json.loads((results / "manifest.json").read_text())
    manifest["displayed"][0]["title"] = "[red]one[/red]"
    (results / "manifest.json").write_text(json.dumps(manifest))
    main(["show", str(results)])
    out = capsys.readouterr().out
    assert "[bold]a[/bold]" in out
    assert "[link=x]" in out
    assert "[red]fair[/red]" in out
    assert "[red]one[/red]" in out
    assert "\x1b" not in out


def test_every_column_is_described(finished: Path) -> None:
    results = load(finished)
    for name in results.tables:
        described = results.describe(name)
        assert described["column"].tolist() == list(results.tables[name])
        assert described[described["description"] == ""]["column"].tolist() == []
    with pytest.raises(InputError, match="has no such table"):
        results.describe("none")


def test_results_show_themselves_in_ten_lines(finished: Path) -> None:
    text = repr(load(finished))
    assert len(text.splitlines()) <= 10
    for phrase in (
        "one-group-norm",
        "finished",
        "seed     0",
        "phrasebook",
        "interactions (40)",
        "alignment_gap",
        "next",
    ):
        assert phrase in text
