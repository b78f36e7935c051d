"""A sweep of cells that take a second each, and a Slurm to run it on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scai_irl.sweep.slurm.one_machine import Slurm, is_installed, one_machine_slurm

SWEEP = """
experiment = "one-group-norm"
seeds = {first = 0, count = 6}
[settings]
runs = 1
epochs = 1
group = ["5v5"]
users = ["fair"]
[grid]
agents = [["thompson"], ["map"]]
"""
CELLS = 12


@pytest.fixture
def sweep_file(tmp_path: Path) -> Path:
    """The sweep, at a path with blanks that a shell would split."""
    folder = tmp_path / "it's a $HOME"
    folder.mkdir()
    file = folder / "my sweep.toml"
    file.write_text(SWEEP)
    return file


@pytest.fixture(scope="session")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    """A Slurm of two nodes on this machine."""
    if not is_installed():
        pytest.skip("there is no Slurm here: apt-get install slurm-wlm munge")
    with one_machine_slurm(tmp_path_factory.mktemp("slurm")) as running:
        yield running
