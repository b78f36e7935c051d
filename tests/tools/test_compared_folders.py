"""The tool that compares two folders finds exactly the values that differ."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from compared_folders import Comparison, Renames, compare_folders

TABLE = pd.DataFrame({"gap": [0.1, np.nan, 3.0], "users": ["fair", "selfish", None], "draws": [[1, 2], [3], []]})
ARRAY = xr.Dataset(
    {"log_prob": (("run", "norm"), np.arange(6.0).reshape(2, 3)), "norm": ["a", "b", "c"]}, attrs={"created_at": "now"}
)
MANIFEST = {"seed": 7, "config": {"stakes": [10, 100]}, "started": "today", "versions": {"jax": "1"}}


def fill(folder: Path) -> Path:
    folder.mkdir()
    TABLE.to_parquet(folder / "summary.parquet")
    TABLE.drop(columns="draws").to_csv(folder / "summary.csv", index=False)
    ARRAY.to_netcdf(folder / "posterior.nc", engine="h5netcdf")
    (folder / "manifest.json").write_text(json.dumps(MANIFEST))
    (folder / "stdout-1.txt").write_text("Users end .002 from the norm, 3 of 4.\nresults: /home/me/results\n")
    (folder / "figure.png").write_bytes(b"a picture")
    (folder / ".lock").write_text(str(folder))
    with sqlite3.connect(folder / "calls.sqlite") as base:
        base.execute("CREATE TABLE calls (key TEXT, tokens INTEGER)")
        base.executemany("INSERT INTO calls VALUES (?, ?)", [("one", 1), ("two", 2)])
    base.close()
    return folder


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    return fill(tmp_path / "before"), fill(tmp_path / "after")


def places(comparison: Comparison) -> list[tuple[str, str, str, int]]:
    return [(one.kind, one.file, one.column, one.row) for one in comparison.differences]


def test_equal_folders_have_no_difference(folders: tuple[Path, Path]) -> None:
    before, after = folders
    (after / "manifest.json").write_text(json.dumps(MANIFEST | {"started": "later", "versions": {"jax": "2"}}))
    ARRAY.assign_attrs(created_at="later").to_netcdf(after / "posterior.nc", engine="h5netcdf")
    comparison = compare_folders(before, after)
    assert places(comparison) == []
    assert comparison.files == 7
    assert comparison.values > 30
    expected = {"*manifest.json: started", "*manifest.json: versions.*", "*.nc: *@created_at", "*.nc: *_NCProperties"}
    assert set(comparison.ignored) == expected


def text(file: str, old: str, new: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        content = (folder / file).read_text()
        assert old in content
        (folder / file).write_text(content.replace(old, new))

    return change


def table(column: str, row: int, value: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        changed = TABLE.copy()
        changed[column] = pd.Series([value if place == row else old for place, old in enumerate(TABLE[column])])
        changed.to_parquet(folder / "summary.parquet")

    return change


def array(folder: Path) -> None:
    ARRAY.assign(log_prob=ARRAY.log_prob.where(ARRAY.log_prob != 4.0, 4.0000001)).to_netcdf(
        folder / "posterior.nc", engine="h5netcdf"
    )


def calls(folder: Path) -> None:
    with sqlite3.connect(folder / "calls.sqlite") as base:
        base.execute("UPDATE calls SET tokens = 3 WHERE key = 'two'")
    base.close()


def shorter(folder: Path) -> None:
    TABLE[:2].to_parquet(folder / "summary.parquet")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (table("gap", 0, 0.1 + 1e-16 * 2), ("number", "summary.parquet", "gap", 0)),
        (table("gap", 1, 0.0), ("number", "summary.parquet", "gap", 1)),
        (table("users", 1, "fair"), ("words", "summary.parquet", "users", 1)),
        (table("users", 2, "fair"), ("number", "summary.parquet", "users", 2)),
        (table("draws", 0, [1, 3]), ("number", "summary.parquet", "draws.0.1", 0)),
        (text("summary.csv", "0.1,fair", "0.2,fair"), ("number", "summary.csv", "gap", 0)),
        (text("manifest.json", "100", "101"), ("number", "manifest.json", "config.stakes.1", 0)),
        (text("stdout-1.txt", "Users", "People"), ("words", "stdout-1.txt", "line", 0)),
        (text("stdout-1.txt", ".002", ".003"), ("number", "stdout-1.txt", "line", 0)),
        (text("stdout-1.txt", "3 of 4", "three of 4"), ("number", "stdout-1.txt", "line", 0)),
        (text("figure.png", "picture", "drawing"), ("figure", "figure.png", "bytes", 0)),
        (array, ("number", "posterior.nc", "log_prob", 4)),
        (calls, ("number", "calls.sqlite", "calls.tokens", 1)),
    ],
)
def test_one_changed_value_is_found(
    change: Callable[[Path], None], expected: tuple[str, str, str, int], folders: tuple[Path, Path]
) -> None:
    change(folders[1])
    assert places(compare_folders(*folders)) == [expected]


def test_what_is_missing_is_found(folders: tuple[Path, Path]) -> None:
    (folders[1] / "figure.png").unlink()
    text("manifest.json", '"seed"', '"root"')(folders[1])
    shorter(folders[1])
    kinds = {(one.kind, one.file, one.column) for one in compare_folders(*folders).differences}
    assert ("missing", "figure.png", "") in kinds
    assert {("missing", "manifest.json", "seed"), ("missing", "manifest.json", "root")} <= kinds
    assert ("missing", "summary.parquet", "gap (rows)") in kinds


def test_a_tolerance_lets_small_differences_of_numbers_pass(folders: tuple[Path, Path]) -> None:
    array(folders[1])
    assert places(compare_folders(*folders, tolerance=1e-6)) == []
    text("stdout-1.txt", ".002", ".003")(folders[1])
    assert len(places(compare_folders(*folders, tolerance=1e-6))) == 1


def test_wanted_renames_are_no_differences(folders: tuple[Path, Path], tmp_path: Path) -> None:
    _, after = folders
    TABLE.rename(columns={"gap": "distance"}).replace({"fair": "equal"}).to_parquet(after / "totals.parquet")
    (after / "summary.parquet").unlink()
    text("summary.csv", "gap", "distance")(after)
    text("summary.csv", "fair", "equal")(after)
    text("manifest.json", "7", "8")(after)
    written = tmp_path / "renames.toml"
    written.write_text(
        'ignore = ["*manifest.json: seed"]\n[files]\n"summary.parquet" = "totals.parquet"\n'
        '[columns]\ngap = "distance"\n[labels]\nfair = "equal"\n'
    )
    comparison = compare_folders(*folders, renames=Renames.read(written))
    assert places(comparison) == []
    assert comparison.ignored["*manifest.json: seed"] == 1
