"""Results folders of several kinds, made once, and the report on them. Tests must not write to them."""

from __future__ import annotations

from pathlib import Path

import pytest

from scai_irl.cli.main import main
from scai_irl.results.manifest import new_manifest
from tests.scai_irl.recording import make_recording

_SMALL = ("--runs", "2", "--epochs", "2", "--group", "5v5", "--agents", "thompson")


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Results folders of one norm, of two norms, and of recorded runs with their audit."""
    parent = tmp_path_factory.mktemp("told")
    main(["run", "one-group-norm", *_SMALL, "--users", "fair", "selfish", "--out", str(parent / "one")])
    main(["run", "mixed-group-norm", *_SMALL, "--mixtures", "selfish=0.5,altruistic=0.5", "--out", str(parent / "two")])
    main(["import", "scai2023", str(make_recording(parent / "recording")), "--out", str(parent / "recorded")])
    main(["audit", "recorded", str(parent / "recorded")])
    return {name: parent / name for name in ("one", "two", "recorded")}


@pytest.fixture(scope="session")
def report(folders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report on all of them, made by the command."""
    out = tmp_path_factory.mktemp("report") / "report.html"
    main(["report", *map(str, folders.values()), "--out", str(out), "--title", "What was found"])
    return out


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A folder with a manifest and nothing else."""
    folder = tmp_path / "bare"
    folder.mkdir()
    new_manifest("bare", {}, backend="embedded", model="bayes@12").write(folder)
    return folder
