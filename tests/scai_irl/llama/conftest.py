"""A tiny model for all tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tiny_model import make_tiny


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a model with random weights; no test may change it."""
    return make_tiny(tmp_path_factory.mktemp("models") / "tiny")
