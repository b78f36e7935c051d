"""A job on a real Slurm on this machine that serves a model with vLLM, and runs a sweep that asks it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import scai_irl
from scai_irl.backends.vllm.environment import VARIABLE
from scai_irl.backends.vllm.serving import RunningServer
from scai_irl.cli.main import main
from tests.scai_irl.loop.test_language_model import COSTS, contents
from tests.scai_irl.sweep.slurm.one_machine import Slurm, is_installed, one_machine_slurm

SWEEP = """
experiment = "one-group-norm"
seeds = [2, 3]
[settings]
backend = "vllm-server"
runs = 1
epochs = 1
group = ["5v5"]
users = ["fair"]
agents = ["thompson", "scai"]
max_tokens = 500
"""
OPTIONS = ("--runs", "1", "--epochs", "1", "--group", "5v5", "--users", "fair", "--agents", "thompson", "scai")
SERVED = ("--serve-extra=--max-model-len=8192", "--serve-extra=--max-num-seqs=64")


@pytest.fixture
def slurm(tmp_path: Path) -> Iterator[Slurm]:
    """A Slurm of two nodes on this machine."""
    if not is_installed():
        pytest.skip("there is no Slurm here: apt-get install slurm-wlm munge")
    folder = tmp_path / "slurm"
    folder.mkdir()
    with one_machine_slurm(folder) as running:
        yield running


def test_a_job_serves_the_model_that_its_cells_ask(
    slurm: Slurm,
    server: RunningServer,
    vllm_python: str,
    checkpoint: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pytest.importorskip("ray", reason="Ray is not installed")
    file, out = tmp_path / "sweep.toml", tmp_path / "swept"
    file.write_text(SWEEP)
    monkeypatch.setenv("SLURM_CONF", str(slurm.configuration))
    monkeypatch.setenv(VARIABLE, vllm_python)
    shape = ("--nodes", "1", "--cpus-per-node", "2", "--model", str(checkpoint), *SERVED)
    main(["slurm", str(file), "--out", str(out), *shape, "--submit"])
    job = capsys.readouterr().out.strip()
    try:
        slurm.await_states(job, ["COMPLETED", "FAILED"], 600)
        logs = "\n".join(log.read_text() for log in out.glob("slurm-*.out"))
        assert slurm.states(job) == ["COMPLETED"], logs
    finally:
        shutil.rmtree(f"/tmp/ray-{job}", ignore_errors=True)  # noqa: S108 - where the script puts it
    # The same questions to another server have the same answers.
    monkeypatch.setenv("SCAI_IRL_API_KEY", server.api_key)
    for cell in scai_irl.load(out).tables["cells"].itertuples():
        alone = tmp_path / f"alone-{cell.seed}"
        options = ("--backend", "vllm-server", "--url", server.url, "--max-tokens", "500")
        main(["run", "one-group-norm", *OPTIONS, *options, "--seed", str(cell.seed), "--out", str(alone)])
        here = out / "cells" / str(cell.name)
        assert scai_irl.load(here).manifest.counts["calls"] > 0
        assert contents(here, *COSTS) == contents(alone, *COSTS)
