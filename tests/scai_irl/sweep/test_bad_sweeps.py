"""A wrong sweep is refused in one line that names the key and gives a hint, before any file is made."""

from __future__ import annotations

from pathlib import Path

import pytest

from scai_irl.cli.main import main

START = 'experiment = "tiny"\nseeds = [0, 1]\n'

WRONG = [
    ('seeds = [0]\nexperiment = "tinny"', "experiment: there is no 'tinny'; give one of ", "one-group-norm"),
    ("seeds = [0]", "experiment: it is missing", "Name of the experiment"),
    ('experiment = "tiny"', "seeds: it is missing", "a list, or {first = 0, count = 20}"),
    (f"{START}sets = 3", "sets: a sweep has no such key", "settings, grid, figures, resources"),
    ('experiment = "tiny"\nseeds = [0, 1, 0]', "seeds: 0 stands there twice", "give each seed once"),
    ('experiment = "tiny"\nseeds = []', "seeds: there are none", "give at least one"),
    ('experiment = "tiny"\nseeds = [-1]', "seeds: -1 is negative", "give 0 or more"),
    ('experiment = "tiny"\nseeds = {first = 1}', "seeds: they are neither", "write {first = 0, count = 20}"),
    ('experiment = "tiny"\nseeds = {first = 1, count = 0}', "seeds: a count of 0", "give 1 to"),
    ('experiment = "tiny"\nseeds = ["a"]', "seeds.0: 'a' does not fit", "integer"),
    (f"{START}[grid]", "grid: it is empty", "or leave [grid] out"),
    (f"{START}[grid]\nlevel = []", "grid: level has no values", "level = [1, 2]"),
    (f"{START}[grid]\nlevel = 3", "grid.level: 3 does not fit", ""),
    (f"{START}[grid]\nlevel = [2026-01-01]", "grid.level.0", "JSON"),
    (f"{START}[grid]\nlevl = [1]", "grid.levl: the experiment has no such option", "perhaps you meant level"),
    (f"{START}[settings]\nrnus = 1", "settings.rnus: the experiment has no such option", "there are seed, out, level"),
    (f"{START}[settings]\nlevel = 1\n[grid]\nlevel = [1, 2]", "grid.level: it is in settings, too", "remove it"),
    (f"{START}[settings]\nseed = 1", "settings: seed is the sweep's own affair", "seeds = [0, 1, 2]"),
    (f'{START}[grid]\nout = ["a"]', "grid: out is the sweep's own affair", "--out"),
    (f'{START}[settings]\nlevel = "high"', "settings.level: 'high' does not fit", "number"),
    (f'{START}[grid]\nlevel = [1, "high"]', "grid.level: 'high' does not fit", "number"),
    (
        f"{START}[grid]\nlevel = [1, 1.0]",
        "grid: level=1.0,seed=0 would give the same numbers as level=1,seed=0",
        "once",
    ),
    (f'{START}[grid]\nfault = ["a", "b"]', "grid: fault=b,seed=0 would give the same numbers as", "change numbers"),
    (f"{START}[resources]\ncpus = 0", "resources.cpus: 0 does not fit", "greater than or equal to 1"),
    (f"{START}[resources]\ncores = 2", "resources.cores: a sweep has no such key", "cpus, gpus, retries"),
    (f"{START}[resources]\ngpus = 1.5", "resources.gpus: 1.5 is neither a share", "give 0.5, 1 or 2"),
    ("experiment = oops", "sweep.toml: it is no TOML", "line 1"),
    (
        f"{START}[grid]\nlevel = {list(range(1500))}\nwords = {[[str(n)] for n in range(1500)]}",
        "grid: it makes",
        "cells",
    ),
]


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The line with which a command is refused."""
    with pytest.raises(SystemExit) as stopped:
        main(words)
    assert stopped.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    assert line.startswith("error: ")
    return line.removeprefix("error: ")


@pytest.mark.parametrize(("content", "problem", "hint"), WRONG, ids=[case[1][:30] for case in WRONG])
@pytest.mark.parametrize("how", [["--out", "made"], ["--dry-run"]], ids=["run", "dry run"])
def test_a_wrong_sweep_is_refused_before_anything_is_made(
    content: str, problem: str, hint: str, how: list[str], tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("sweep.toml").write_text(content, encoding="utf-8")
    line = refused(capsys, "sweep", "sweep.toml", *how)
    assert line.startswith(problem)
    assert hint in line
    assert [entry.name for entry in tiny.iterdir()] == ["sweep.toml"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("none.toml", "none.toml: there is no such file; give the path of a sweep"),
        ("sweep.toml --engine slurm", "engine: there is no 'slurm'; give one of local, ray"),
        ("sweep.toml --address 10.0.0.1:6379", "address: the local engine has no address; give --engine ray"),
        ("sweep.toml --workers 0", "workers: 0 is less than 1; give 1 or more"),
        ("sweep.toml --part 3/3", "part: '3/3' is not a part; give I/K with I from 0 to K - 1"),
        ("sweep.toml --part half", "part: 'half' is not a part; give I/K"),
        (
            "sweep.toml --set level=2",
            "set: level=2 is not an option that leaves the results unchanged; put it into the file",
        ),
        ("sweep.toml --set out=a", "set: out=a is not an option"),
        ("sweep.toml --set seconds=fast", "settings.seconds: 'fast' does not fit"),
    ],
)
def test_wrong_options_are_refused_before_anything_is_made(
    words: str, message: str, tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("sweep.toml").write_text(START, encoding="utf-8")
    assert refused(capsys, "sweep", *words.split()).startswith(message)
    assert [entry.name for entry in tiny.iterdir()] == ["sweep.toml"]


def test_a_file_that_is_no_text_is_refused(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("sweep.toml").write_bytes(b"\xff\xfe")
    assert refused(capsys, "sweep", "sweep.toml").startswith("sweep.toml: it is no TOML")
    assert refused(capsys, "sweep", str(tiny)).startswith(f"{tiny}: it cannot be read")


def test_another_sweep_on_a_folder_is_refused_and_leaves_it_as_it_was(
    tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("sweep.toml").write_text(START, encoding="utf-8")
    main(["sweep", "sweep.toml", "--out", "made", "--workers", "1"])
    before = {file: file.stat().st_mtime_ns for file in Path("made").rglob("*.parquet")}
    Path("sweep.toml").write_text(f"{START}[settings]\nlevel = 3\n", encoding="utf-8")
    capsys.readouterr()
    for part in ([], ["--part", "0/2"]):
        line = refused(capsys, "sweep", "sweep.toml", "--out", "made", *part)
        assert "made: holds results of another configuration (settings is {} there, {'level': 3} here)" in line
    assert {file: file.stat().st_mtime_ns for file in Path("made").rglob("*.parquet")} == before
    Path("other").mkdir()
    Path("other/notes.txt").write_text("mine", encoding="utf-8")
    for part in ([], ["--part", "0/2"]):
        assert "other: holds other files (notes.txt)" in refused(capsys, "sweep", "sweep.toml", "--out", "other", *part)
    assert [entry.name for entry in Path("other").iterdir()] == ["notes.txt"]
