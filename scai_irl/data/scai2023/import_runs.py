"""Importers as commands: other people's records in, a results folder out."""

from __future__ import annotations

import contextlib
from pathlib import Path

from scai_irl.data.scai2023.recorded_runs import read_scai2023
from scai_irl.io.files import write_table
from scai_irl.io.progress import Advance, progress
from scai_irl.measure.alignment import alignment_by_run, alignment_summary
from scai_irl.results.folder import opened
from scai_irl.results.results import Results, load


def import_scai2023(path: Path, folder: Path) -> Results:
    """Import recorded runs of the predecessor.

    Args:
        path: Folder or archive (see `scai_irl.data.scai2023.recorded_runs`).
        folder: Results folder to make. What could not be read is in its table ``unread``.

    Raises:
        InputError: If nothing can be read from the path, or the folder cannot be used.
    """
    with contextlib.ExitStack() as shown:
        advance: Advance | None = None

        def on_file(done: int, files: int) -> None:
            nonlocal advance
            if advance is None:
                advance = shown.enter_context(progress(f"import {path.name}", files))
            advance(f"file {done}")

        runs = read_scai2023(path, on_file=on_file)
    config = {"source": path.name, "interactions": len(runs.interactions)}
    with opened(folder, "import-scai2023", config) as manifest:
        write_table(folder / "interactions.parquet", runs.interactions)
        write_table(folder / "verbal_policies.parquet", runs.verbal_policies)
        write_table(folder / "unread.parquet", runs.unread)
        by_run = alignment_by_run(runs.interactions)
        write_table(folder / "alignment.parquet", by_run)
        write_table(folder / "summary.parquet", alignment_summary(runs.interactions, by_run))
        manifest.counts = {
            "interactions": len(runs.interactions),
            "verbal policies": len(runs.verbal_policies),
            "unread": len(runs.unread),
        }
        manifest.finish(folder)
    return load(folder)
