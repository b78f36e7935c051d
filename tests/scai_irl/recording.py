"""A recording in SCAI's format, for tests that are not about its format."""

from __future__ import annotations

from pathlib import Path

from tests.scai_irl.data import scai2023_fixture


def make_recording(parent: Path) -> Path:
    """Write made-up runs below a folder, and return the folder to import."""
    return Path(scai2023_fixture.write_folder(scai2023_fixture.recording(), parent))
