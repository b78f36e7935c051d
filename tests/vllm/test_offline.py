"""vLLM in process, always in a process of its own: the contract, and the same answers as from a server."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from envs import Norm, Policy
from scai_irl.backends.registry import make_backend
from scai_irl.backends.vllm.serving import RunningServer
from scai_irl.language.belief_requests import choose_request
from scai_irl.language.games import Candidates
from scai_irl.lm.protocol import Completion, Request, Sampling, Structure, Usage
from scai_irl.lm.settings import LmSettings
from scai_irl.testing.backend_laws import requests, structured, texts

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PATIENCE = 600.0


def run(python: str, *words: str | Path, stdin: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python, *words],
        input=stdin,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | variables,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def offline(python: str, checkpoint: Path, batch: Sequence[Request]) -> tuple[str, list[Completion]]:
    """Model and answers of vLLM in another process."""
    done = run(python, HERE / "offline_answers.py", checkpoint, stdin=json.dumps([asdict(one) for one in batch]))
    assert done.returncode == 0, done.stderr[-4_000:]
    reply = json.loads(done.stdout)  # so nothing else is on standard output
    lists = ("tokens", "log_probs", "label_log_probs")
    answers = [
        Completion(**(one | {name: tuple(one[name]) for name in lists} | {"usage": Usage(**one["usage"])}))
        for one in reply["answers"]
    ]
    return reply["model"], answers


def test_the_contract_is_kept(vllm_python: str, checkpoint: Path) -> None:
    # The other environment has pytest, but not the plugins that this project's settings and fixtures need.
    words = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--noconftest", "-o", "addopts=", "-o", "filterwarnings="]
    done = run(vllm_python, *words, HERE / "offline_contract.py", CHECKPOINT=str(checkpoint))
    assert done.returncode == 0, done.stdout[-6_000:] + done.stderr[-2_000:]
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout


def test_a_server_gives_the_same_answers(vllm_python: str, checkpoint: Path, server: RunningServer) -> None:
    cold = [replace(one, sampling=Sampling(0.0, 64, log_probs=0)) for one in requests()]
    free = replace(structured(1, Structure()), sampling=Sampling(0.0, 24, log_probs=2))
    choice = replace(structured(2, Structure("choice", ("selfish", "fair"))), sampling=Sampling(0.0, 24, log_probs=0))
    labels = replace(structured(3, Structure()), labels=("selfish", "fair", "fair, but rather selfish"))
    candidates = Candidates(("A", "B"), (Policy.of(Norm("selfish")), Policy.of(Norm("fair"))), (0.5, 0.5))
    letters = choose_request(candidates, [], 4)
    batch = [*cold, free, choice, labels, letters]
    warm = requests()
    model, answers = offline(vllm_python, checkpoint, [*batch, *warm])
    backend = make_backend("vllm-server", LmSettings(urls=(server.url,), api_key=server.api_key))
    expected = backend.complete([*batch, *warm])
    assert model == backend.model
    backend.close()
    for one, other in zip(answers[: len(batch)], expected, strict=False):
        assert (one.text, one.finish_reason, one.usage) == (other.text, other.finish_reason, other.usage)
        assert one.tokens == other.tokens
        assert one.log_probs == pytest.approx(other.log_probs, abs=1e-4)
        assert one.label_log_probs == pytest.approx(other.label_log_probs, abs=1e-4)
    assert texts(answers[len(batch) :]) == texts(expected[len(batch) :])  # the seeds are the same, too
    assert len(answers[len(batch) - 2].label_log_probs) == 3
    assert all(one.log_probs for one in answers[: len(cold) + 2])


def test_an_experiment_runs_without_a_server(vllm_python: str, checkpoint: Path, tmp_path: Path) -> None:
    program = Path(vllm_python).with_name("scai-irl")
    words = ["run", "one-group-norm", "--users", "fair", "--agents", "thompson", "--runs", "1", "--group", "5v5"]
    words += ["--epochs", "1", "--backend", "vllm-offline", "--model", str(checkpoint), "--max-tokens", "64"]
    done = run(str(program), *words, "--engine", "max_model_len=4096", "--out", tmp_path / "results")
    assert done.returncode == 0, done.stderr[-4_000:]
    assert (tmp_path / "results" / "calls.sqlite").exists()


def test_arviz_before_it_is_reported_with_a_hint(vllm_python: str, checkpoint: Path) -> None:
    program = (
        "import arviz; from scai_irl.backends.registry import make_backend; "
        "from scai_irl.lm.settings import LmSettings; "
        "from scai_irl.testing.backend_laws import requests; from scai_irl.io.stop import told_in_one_line;"
        f"told_in_one_line(lambda: make_backend('vllm-offline', LmSettings({str(checkpoint)!r})).complete(requests()))"
    )
    done = run(vllm_python, "-c", program)
    if done.returncode == 0:
        pytest.skip("this vLLM starts after ArviZ")
    assert done.returncode == 2, done.stderr[-4_000:]
    assert done.stderr.splitlines()[-1].startswith("error: vllm: it does not start with this model (AttributeError")
    assert "import arviz only after the model's first call" in done.stderr
