"""A finished results folder, made once and copied for every test that needs one."""

from __future__ import annotations

import importlib
import shutil
from pathlib import Path

import pytest

from scai_irl.cli import main
from tests.scai_irl.program import TINY


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
    """A folder with recorded runs in the predecessor's format."""
    # Tests of records stand beside the module and import it by its bare name, so mypy may not find it by a second one.
    made_up = importlib.import_module("tests.scai_irl.records.scai2023_fixture")
    return Path(made_up.write_folder(made_up.recording(), tmp_path / "recording"))
