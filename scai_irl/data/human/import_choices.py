"""Imports of people's choices as commands: a published file, or one's own, in; a results folder out."""

from __future__ import annotations

import dataclasses
import hashlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scai_irl.data.human.choices import HumanChoices
from scai_irl.data.human.own_csv import CsvColumns, read_csv
from scai_irl.data.human.published_sets import read_heffner, read_moblab
from scai_irl.io.errors import InputError, printable
from scai_irl.io.files import write_table
from scai_irl.results.folder import opened
from scai_irl.results.results import Results, load

IMPORT = "import-human"
"""What a manifest calls such a folder."""

SOURCES: dict[str, Callable[[Path], HumanChoices]] = {"heffner": read_heffner, "moblab": read_moblab}
"""Readers of published data sets, by name."""


def import_human(path: Path, folder: Path, source: str) -> Results:
    """Import a published data set.

    Args:
        path: Data file.
        folder: Results folder to make: tables ``choices``, ``unread`` and ``warnings``.
        source: Name of the data set, in `SOURCES`.

    Raises:
        InputError: If there is no such source, the file cannot be used, or the folder cannot.
    """
    return _kept(path, folder, get_source(source)(path), {"source": source})


def import_own(path: Path, folder: Path, columns: CsvColumns | None = None) -> Results:
    """Import a CSV file with a line for each choice.

    Args:
        path: Data file.
        folder: Results folder to make: tables ``choices``, ``unread`` and ``warnings``.
        columns: Names of the file's columns.

    Raises:
        InputError: If the file cannot be used, or the folder cannot.
    """
    names = columns or CsvColumns()
    return _kept(path, folder, read_csv(path, names), {"source": "csv", "columns": dataclasses.asdict(names)})


def _kept(path: Path, folder: Path, found: HumanChoices, source: dict[str, Any]) -> Results:
    """Write what was read; the folder belongs to this very file."""
    say(found)
    config = source | {"file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    with opened(folder, IMPORT, config) as manifest:
        write_table(folder / "choices.parquet", found.choices)
        write_table(folder / "unread.parquet", found.unread)
        write_table(folder / "warnings.parquet", found.warnings)
        manifest.counts = {
            "choices": len(found.choices),
            "people": found.choices.groupby(["study", "subject"]).ngroups,
            "unread": len(found.unread),
            "warnings": len(found.warnings),
        }
        manifest.finish(folder)
    return load(folder)


def get_source(name: str) -> Callable[[Path], HumanChoices]:
    """Look a reader up.

    Raises:
        InputError: If there is none of that name.
    """
    if name not in SOURCES:
        raise InputError("source", f"unknown source {name!r}", f"there are {', '.join(SOURCES)}")
    return SOURCES[name]


def say(found: HumanChoices) -> None:
    """Print what a reader has to know, on standard error."""
    for line in found.warnings["warning"]:
        print(f"warning: {printable(line)}", file=sys.stderr)
