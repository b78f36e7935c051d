"""Compare two folders of results value by value."""

from __future__ import annotations

import csv
import fnmatch
import hashlib
import json
import math
import re
import sqlite3
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import h5py
import numpy as np
import pandas as pd

Kind = Literal["number", "words", "figure", "missing"]
Columns = dict[str, list[Any]]

IGNORED = {
    "*manifest.json: started": "date",
    "*manifest.json: finished": "date",
    "*manifest.json: host": "machine",
    "*manifest.json: python": "version",
    "*manifest.json: versions.*": "versions",
    "*manifest.json: git_commit": "commit",
    "*.nc: *@created_at": "date",
    "*.nc: *@*version": "version",
    "*.nc: *_NCProperties": "version",
    "*manifest.json: counts.seconds": "duration",
    "*cells.parquet: seconds": "duration",
    "*cells.parquet: worker": "machine and process",
    "*/outcomes/*: seconds": "duration",
    "*/outcomes/*: worker": "machine and process",
}
"""Values that differ from run to run, as ``FILE: COLUMN`` patterns, with the reason."""

UNREAD = {
    "*.done.json": "duration and command of the recording",
    "*stderr*.txt": "progress with durations",
    "*/.*": "locks and temporary files",
    "*.sqlite-*": "index of an SQLite file that was read",
    "*/stdout-fits.txt": "empty",
}
"""Files that are not compared, as patterns, with the reason."""

_MASKS = (
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?(\+00:00)?( UTC)?"), "DATE"),
    (re.compile(r"\b\d[\d,]* seconds\b"), "DURATION"),
    (re.compile(r"\b[0-9a-f]{40}(-dirty)?\b"), "COMMIT"),
    (re.compile(r"(?<![\w/])(/[\w.+-]+){2,}"), "PATH"),
)
_NUMBER = re.compile(r"[-+−]?(?:\d[\d,]*\.?\d*|\.\d+)(?:e[-+]?\d+)?", re.IGNORECASE)
_FIGURES = (".png", ".svg", ".pdf")
_LINKS = {"DIMENSION_LIST", "REFERENCE_LIST", "CLASS", "_Netcdf4Dimid", "_Netcdf4Coordinates"}


@dataclass(frozen=True)
class Renames:
    """Differences that are wanted.

    Attributes:
        files: New name of a file or folder, by its old name; a part of a path between slashes.
        columns: New name of a column, variable or key, by its old name; a part of a name between dots.
        labels: New text of a value, by the old text; also inside longer texts.
        ignore: Further ``FILE: COLUMN`` patterns that are not compared.
    """

    files: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    ignore: Sequence[str] = ()

    @classmethod
    def read(cls, path: Path | None) -> Renames:
        """Read renames from a TOML file with the tables ``files``, ``columns``, ``labels`` and the list ``ignore``."""
        return cls() if path is None else cls(**tomllib.loads(path.read_text(encoding="utf-8")))

    def file(self, name: str) -> str:
        """Return the new name of a file."""
        return "/".join(self.files.get(part, part) for part in self.files.get(name, name).split("/"))

    def column(self, name: str) -> str:
        """Return the new name of a column."""
        return ".".join(self.columns.get(part, part) for part in self.columns.get(name, name).split("."))

    def text(self, value: str) -> str:
        """Return the new text of a value."""
        for old, new in self.labels.items():
            value = value.replace(old, new)
        return value


@dataclass(frozen=True)
class Difference:
    """A value that differs.

    Attributes:
        kind: ``number``; ``words`` where all numbers in the text agree; ``figure``; or ``missing``.
        file: File, by its path in the folder.
        column: Column, variable or key.
        row: Index of the value in the column.
        before: Value in the first folder.
        after: Value in the second one.
    """

    kind: Kind
    file: str
    column: str
    row: int
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{self.kind}: {self.file}: {self.column}[{self.row}]: {self.before!r} -> {self.after!r}"


@dataclass
class Comparison:
    """What a comparison found.

    Attributes:
        files: Number of files that were compared.
        values: Number of values that were compared.
        ignored: Number of values that were not compared, by pattern.
        differences: The differences.
    """

    files: int = 0
    values: int = 0
    ignored: dict[str, int] = field(default_factory=dict)
    differences: list[Difference] = field(default_factory=list)

    def add(self, other: Comparison) -> None:
        """Add what another comparison found."""
        self.files += other.files
        self.values += other.values
        self.differences += other.differences
        for pattern, number in other.ignored.items():
            self.ignored[pattern] = self.ignored.get(pattern, 0) + number


def compare_folders(before: Path, after: Path, tolerance: float = 0.0, renames: Renames | None = None) -> Comparison:
    """Compare all files of two folders.

    Args:
        before: First folder.
        after: Second folder.
        tolerance: Largest difference of two numbers, absolute or relative; they must be equal if it is 0.
        renames: Differences that are wanted.
    """
    renames = renames or Renames()
    found = Comparison()
    old = {renames.file(name): path for name, path in _files(before)}
    new = dict(_files(after))
    for name in sorted(old.keys() | new.keys()):
        if name not in old or name not in new:
            found.differences.append(Difference("missing", name, "", 0, name in old, name in new))
            continue
        found.files += 1
        one = {renames.column(key): column for key, column in read_columns(old[name], before).items()}
        _compare_columns(name, one, read_columns(new[name], after), tolerance, renames, found)
    return found


def read_columns(path: Path, root: Path) -> Columns:
    """Read a file as columns of numbers and texts.

    Args:
        path: The file.
        root: Folder of the recording, whose path is removed from texts.
    """
    if path.suffix in _READERS:
        return _READERS[path.suffix](path)
    if path.suffix in _FIGURES:
        return {"bytes": [hashlib.sha256(path.read_bytes()).hexdigest()]}
    text = path.read_text(encoding="utf-8").replace(f"{root.resolve()}/", "")
    return {"line": text.splitlines()}


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and not any(fnmatch.fnmatch(f"/{name}", pattern) for pattern in UNREAD):
            yield name, path


def _columns_of_parquet(path: Path) -> Columns:
    table = pd.read_parquet(path)
    columns: Columns = {"columns": list(map(str, table.columns))}
    for name in table.columns:
        for place, value in enumerate(table[name].tolist()):
            if isinstance(value, list | tuple | dict | np.ndarray):
                for key, leaf in _leaves(value, f"{name}.{place}"):
                    columns.setdefault(key, []).append(leaf)
            else:
                columns.setdefault(str(name), []).append(value)
    return columns


def _columns_of_json(path: Path) -> Columns:
    return {name: [leaf] for name, leaf in _leaves(json.loads(path.read_text(encoding="utf-8")), "")}


def _leaves(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple):
        value = dict(enumerate(value))
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _leaves(part, f"{name}.{key}" if name else str(key))
    else:
        yield name, value


def _columns_of_netcdf(path: Path) -> Columns:
    columns: Columns = {}

    def add(name: str, thing: Any) -> None:
        for key, value in thing.attrs.items():
            if key not in _LINKS:
                columns[f"{name}@{key}"] = _texts(np.asarray(value).ravel().tolist())
        if isinstance(thing, h5py.Dataset):
            columns[name] = _texts(np.asarray(thing[()]).ravel().tolist())
            columns[f"{name}@shape"] = list(thing.shape)

    with h5py.File(path) as file:
        add("", file)
        file.visititems(add)
    return columns


def _texts(values: list[Any]) -> list[Any]:
    return [value.decode("utf-8") if isinstance(value, bytes) else value for value in values]


def _columns_of_csv(path: Path) -> Columns:
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = list(csv.reader(file)) or [[]]
    return {"columns": list(header)} | {
        name: [row[place] if place < len(row) else None for row in rows] for place, name in enumerate(header)
    }


def _columns_of_sqlite(path: Path) -> Columns:
    columns: Columns = {}
    base = sqlite3.connect(f"{path.resolve().as_uri()}?immutable=1", uri=True)
    try:
        for (table,) in base.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall():
            rows = base.execute(f'SELECT * FROM "{table}" ORDER BY 1')  # noqa: S608
            names = [description[0] for description in rows.description]
            every = rows.fetchall()
            columns |= {f"{table}.{name}": [row[place] for row in every] for place, name in enumerate(names)}
    finally:
        base.close()
    return columns


_READERS: dict[str, Callable[[Path], Columns]] = {
    ".parquet": _columns_of_parquet,
    ".json": _columns_of_json,
    ".nc": _columns_of_netcdf,
    ".csv": _columns_of_csv,
    ".sqlite": _columns_of_sqlite,
}


def _compare_columns(
    file: str, before: Columns, after: Columns, tolerance: float, renames: Renames, found: Comparison
) -> None:
    patterns = [*IGNORED, *renames.ignore]
    for name in [*before, *(name for name in after if name not in before)]:
        pattern = next((one for one in patterns if fnmatch.fnmatch(f"/{file}: {name}", one)), None)
        if pattern is not None:
            found.ignored[pattern] = found.ignored.get(pattern, 0) + len(before.get(name, after.get(name, [])))
            continue
        if name not in before or name not in after:
            found.differences.append(Difference("missing", file, name, 0, name in before, name in after))
            continue
        one, two = before[name], after[name]
        if name == "columns":
            one = [renames.column(value) for value in one]
        found.values += len(one)
        if len(one) != len(two):
            found.differences.append(Difference("missing", file, f"{name} (rows)", 0, len(one), len(two)))
        found.differences += _differences(file, name, zip(one, two, strict=False), tolerance, renames)


def _differences(
    file: str, column: str, pairs: Iterable[tuple[Any, Any]], tolerance: float, renames: Renames
) -> Iterator[Difference]:
    for row, (one, two) in enumerate(pairs):
        kind = _difference(one, two, tolerance, renames)
        if kind is not None:
            is_figure = file.endswith(_FIGURES)
            yield Difference("figure" if is_figure else kind, file, column, row, _short(one), _short(two))


def _difference(before: Any, after: Any, tolerance: float, renames: Renames) -> Kind | None:
    if isinstance(before, str) and isinstance(after, str):
        one, two = _masked(renames.text(before)), _masked(after)
        if one == two:
            return None
        numbers, others = (_NUMBER.findall(text) for text in (one, two))
        same = len(numbers) == len(others) and all(
            _equal(_number(x), _number(y), tolerance) for x, y in zip(numbers, others, strict=True)
        )
        return ("words" if _NUMBER.sub("#", one) != _NUMBER.sub("#", two) else None) if same else "number"
    return None if _equal(before, after, tolerance) else "number"


def _equal(before: Any, after: Any, tolerance: float) -> bool:
    if isinstance(before, float | int | complex) and isinstance(after, float | int | complex):
        if before == after or (before != before and after != after):  # noqa: PLR0124 - NaN equals NaN
            return True
        if isinstance(before, complex) or isinstance(after, complex):
            return abs(before - after) <= tolerance
        return tolerance > 0 and math.isclose(before, after, rel_tol=tolerance, abs_tol=tolerance)
    missing = pd.api.types.is_scalar(before) and pd.api.types.is_scalar(after) and pd.isna(before) and pd.isna(after)
    return bool(missing or before == after)


def _number(text: str) -> float | str:
    try:
        return float(text.replace(",", "").replace("−", "-"))
    except ValueError:
        return text


def _masked(text: str) -> str:
    for pattern, mask in _MASKS:
        text = pattern.sub(mask, text)
    return " ".join(text.split())


def _short(value: Any, longest: int = 300) -> Any:
    return value if not isinstance(value, str) or len(value) <= longest else f"{value[:longest]}…"
