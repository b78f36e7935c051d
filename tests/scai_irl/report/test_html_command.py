"""``scai-irl report``: unreadable results are refused in one line, and an earlier report stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from scai_irl.cli.main import main
from scai_irl.experiment.definition import find_experiments
from tests.scai_irl.program import error_of, run, untouched


def refused(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> str:
    capsys.readouterr()
    with pytest.raises(SystemExit) as stopped:
        main(["report", *map(str, arguments)])
    assert stopped.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    return line


def test_the_command_says_where_it_wrote(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    capsys.readouterr()
    with untouched(finished):
        for _ in range(2):  # an earlier report is replaced
            main(["report", str(finished)])
    assert capsys.readouterr() == ("report: report.html\n" * 2, "")
    assert [file.name for file in tmp_path.iterdir()] == ["report.html"]
    summary = find_experiments()["one-group-norm"].summary
    assert f"{summary[0].upper()}{summary[1:]}." in Path("report.html").read_text(encoding="utf-8")


def test_what_is_no_results_folder_is_named(finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "report.html"
    for folder in (tmp_path, tmp_path / "nowhere"):
        line = refused(capsys, finished, folder, "--out", out)
        assert line.startswith(f"error: {folder}: no results folder (it has no manifest.json)")
    assert refused(capsys, "--out", out).startswith("error: results: no folder was given")
    assert refused(capsys, finished, finished, "--out", out).startswith(f"error: {finished}: given twice")
    assert list(tmp_path.iterdir()) == []


def test_files_that_are_no_reports_are_kept(finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    thesis = tmp_path / "thesis.html"
    thesis.write_text("<title>mine</title>")
    line = refused(capsys, finished, "--out", thesis)
    assert line.startswith(f"error: {thesis}: is not a report; give another file")
    assert thesis.read_text() == "<title>mine</title>"
    assert refused(capsys, finished, "--out", tmp_path).startswith(f"error: {tmp_path}: is a folder")
    assert refused(capsys, finished, "--out", thesis / "report.html").startswith(f"error: {thesis / 'report.html'}: ")
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.html"]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: (folder / "summary.csv").write_bytes(b"\xff\xfe\x00a,b"), "summary.csv: not a table"),
        (lambda folder: (folder / "empty.csv").write_text(""), "empty.csv: not a table"),
        (
            lambda folder: (folder / "findings.parquet").write_bytes((folder / "beliefs.parquet").read_bytes()),
            "findings.parquet: has no column 'question'",
        ),
        (lambda folder: (folder / "figures" / "a.svg").mkdir(), "a.svg: not a figure"),
    ],
    ids=["csv", "empty", "findings", "figure"],
)
def test_a_damaged_file_is_named(
    damage: object, message: str, results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(results)  # type: ignore[operator]
    line = refused(capsys, results, "--out", tmp_path / "report.html")
    assert line.startswith("error: ")
    assert message in line
    assert not (tmp_path / "report.html").exists()


def test_the_program_itself_refuses_the_same_way(tmp_path: Path) -> None:
    assert error_of(run("report", "nowhere", cwd=tmp_path)).startswith("error: nowhere: no results folder")
    assert list(tmp_path.iterdir()) == []
