"""The tiny experiment, installed for every process of a test."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from tests.scai_irl.sweep.tiny import install, on_path


@pytest.fixture(scope="session")
def distribution(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the distribution of the tiny experiment."""
    folder = tmp_path_factory.mktemp("distribution")
    install(folder)
    return folder


@pytest.fixture
def tiny(distribution: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Current folder of a test, with the tiny experiment installed for this process and its children."""
    monkeypatch.syspath_prepend(str(distribution))
    for name, value in on_path(distribution).items():
        monkeypatch.setenv(name, value)
    importlib.invalidate_caches()
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder
