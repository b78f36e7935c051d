"""A finished results folder, made once and copied for each test that needs it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from scai_irl.cli.main import main
from tests.scai_irl.program import TINY
from tests.scai_irl.recording import make_recording


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results of `TINY` over two epochs; not to be written to."""
    folder = tmp_path_factory.mktemp("finished") / "results"
    main([*TINY, "--epochs", "2", "--out", str(folder)])
    return folder


@pytest.fixture
def results(finished: Path, tmp_path: Path) -> Path:
    """A copy of these results."""
    return Path(shutil.copytree(finished, tmp_path / "results"))


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    """A folder with recorded runs in SCAI's format."""
    return make_recording(tmp_path / "recording")
