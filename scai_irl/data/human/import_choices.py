"""Commands that import people's choices, from a published file or the user's own, into a results folder."""

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
"""Experiment name of such a folder in its manifest."""

SOURCES: dict[str, Callable[[Path], HumanChoices]] = {"heffner": read_heffner, "moblab": read_moblab}
"""Readers of published data sets, by name."""


def import_human(path: Path, folder: Path, source: str) -> Results:
    """Import a published data set.

    Args:
        path: Data file.
        folder: Results folder to write, with the tables ``choices``, ``unread`` and ``warnings``.
        source: Name of the data set, in `SOURCES`.

    Raises:
        InputError: If the source is unknown, or the file or the folder cannot be used.
    """
    return _written(path, folder, get_source(source)(path), {"source": source})


def import_own(path: Path, folder: Path, columns: CsvColumns | None = None) -> Results:
    """Import a CSV file with a line for each choice.

    Args:
        path: Data file.
        folder: Results folder to write, with the tables ``choices``, ``unread`` and ``warnings``.
        columns: Names of the file's columns.

    Raises:
        InputError: If the file or the folder cannot be used.
    """
    names = columns or CsvColumns()
    return _written(path, folder, read_csv(path, names), {"source": "csv", "columns": dataclasses.asdict(names)})


def _written(path: Path, folder: Path, imported: HumanChoices, source: dict[str, Any]) -> Results:
    """Write the results folder of an imported file."""
    print_warnings(imported)
    config = source | {"file": path.name, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    with opened(folder, IMPORT, config) as manifest:
        write_table(folder / "choices.parquet", imported.choices)
        write_table(folder / "unread.parquet", imported.unread)
        write_table(folder / "warnings.parquet", imported.warnings)
        manifest.counts = {
            "choices": len(imported.choices),
            "people": imported.choices.groupby(["study", "subject"]).ngroups,
            "unread": len(imported.unread),
            "warnings": len(imported.warnings),
        }
        manifest.finish(folder)
    return load(folder)


def get_source(name: str) -> Callable[[Path], HumanChoices]:
    """Return the reader of a published data set.

    Raises:
        InputError: If the name is unknown.
    """
    if name not in SOURCES:
        raise InputError("source", f"unknown source {name!r}", f"there are {', '.join(SOURCES)}")
    return SOURCES[name]


def print_warnings(imported: HumanChoices) -> None:
    """Print the warnings about imported choices on standard error."""
    for line in imported.warnings["warning"]:
        print(f"warning: {printable(line)}", file=sys.stderr)
