"""Command that imports recorded runs into a results folder."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from scai_irl.data.scai2023.recorded_runs import read_scai2023
from scai_irl.io.files import write_table
from scai_irl.io.progress import Advance, progress
from scai_irl.measure.alignment import alignment_by_run, alignment_summary
from scai_irl.results.folder import opened
from scai_irl.results.results import Results, load


@dataclass(frozen=True)
class ImportedRuns:
    """Recorded runs as tables.

    Attributes:
        tables: ``interactions``, ``verbal_policies``, ``unread``, ``alignment`` and ``summary``.
        counts: Numbers of interactions, verbal policies and entries that could not be read.
    """

    tables: dict[str, pd.DataFrame]
    counts: dict[str, int]


def read_runs(path: Path) -> ImportedRuns:
    """Read recorded runs of SCAI (2023), and compute their alignment.

    Args:
        path: Folder or archive (see `scai_irl.data.scai2023.recorded_runs`).

    Raises:
        InputError: If nothing can be read from the path.
    """
    with contextlib.ExitStack() as shown:
        advance: Advance | None = None

        def on_file(done: int, files: int) -> None:
            nonlocal advance
            if advance is None:
                advance = shown.enter_context(progress(f"import {path.name}", files))
            advance(f"file {done}")

        runs = read_scai2023(path, on_file=on_file)
    by_run = alignment_by_run(runs.interactions)
    tables = {
        "interactions": runs.interactions,
        "verbal_policies": runs.verbal_policies,
        "unread": runs.unread,
        "alignment": by_run,
        "summary": alignment_summary(runs.interactions, by_run),
    }
    names = {"interactions": "interactions", "verbal policies": "verbal_policies", "unread": "unread"}
    return ImportedRuns(tables, {label: len(tables[name]) for label, name in names.items()})


def import_scai2023(path: Path, folder: Path) -> Results:
    """Import the recorded runs of SCAI (2023).

    Args:
        path: Folder or archive (see `scai_irl.data.scai2023.recorded_runs`).
        folder: Results folder to make. Entries that could not be read are in its table ``unread``.

    Raises:
        InputError: If nothing can be read from the path, or the folder cannot be used.
    """
    runs = read_runs(path)
    config = {"source": path.name, "interactions": runs.counts["interactions"]}
    with opened(folder, "import-scai2023", config) as manifest:
        for name, table in runs.tables.items():
            write_table(folder / f"{name}.parquet", table)
        manifest.counts = runs.counts
        manifest.finish(folder)
    return load(folder)
