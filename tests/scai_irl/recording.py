"""A recording in the predecessor's format, for tests that are not about its format."""

from __future__ import annotations

import importlib
from pathlib import Path


def make_recording(parent: Path) -> Path:
    """Write made-up runs below a folder; gives the folder to import."""
    # Tests of records stand beside the module and import it by its bare name, so mypy may not find it by a second one.
    made_up = importlib.import_module("tests.scai_irl.records.scai2023_fixture")
    return Path(made_up.write_folder(made_up.recording(), parent))
