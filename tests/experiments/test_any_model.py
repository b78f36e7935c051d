"""Every experiment that asks a language model is replayed from the record of its calls, with the same results."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from scai_irl import load
from scai_irl.cli.main import main
from scai_irl.experiment.definition import find_experiments
from scai_irl.experiment.model_options import ModelConfig
from scai_irl.results.results import Results
from tests.experiments.test_every_experiment import OWN, options
from tests.scai_irl.backends.fake_server import MODEL, fake_server

ASKING = [
    name
    for name, definition in find_experiments().items()
    if name in OWN and issubclass(definition.config, ModelConfig)
]

MORE = {
    "language-and-learning": ["--games", "1"],  # a server is asked for three log-probabilities of each group
    "out-of-distribution": ["--users-by", "model"],
    "subgroup-norms": ["--users-by", "model"],
}
"""Additional options."""


def replayed(command: list[str], original: Path, again: Path) -> Results:
    main([*command, "--backend", "replay", "--replay", str(original), "--out", str(again)])
    return load(again)


def assert_equal_tables(again: Results, original: Results) -> None:
    """Check that all tables are equal, including findings and their explanations."""
    assert again.manifest.model == original.manifest.model
    assert again.manifest.counts == original.manifest.counts
    assert list(again.tables) == list(original.tables)
    assert len(original.findings) > 0
    for name, table in original.tables.items():
        pd.testing.assert_frame_equal(again.tables[name], table)


@pytest.mark.slow
@pytest.mark.parametrize("name", ASKING)
def test_an_experiment_with_a_server_is_replayed_without_it(name: str, tmp_path: Path) -> None:
    command = ["run", name, *options(name, tmp_path), *MORE.get(name, [])]
    with fake_server() as server:
        main([*command, "--backend", "vllm-server", "--url", server.url, "--out", str(tmp_path / "asked")])
    original = load(tmp_path / "asked")
    assert original.manifest.model == MODEL
    assert original.manifest.counts["calls"] > 0
    assert_equal_tables(replayed(command, tmp_path / "asked", tmp_path / "again"), original)


@pytest.mark.slow
def test_an_explanation_about_organisms_is_also_given_for_their_replay(tmp_path: Path) -> None:
    command = ["run", "one-group-norm", "--runs", "2", "--epochs", "1", "--group", "5v5", "--users", "fair"]
    command += ["--agents", "scai-memory"]
    main([*command, "--backend", "embedded", "--model", "bayes", "--out", str(tmp_path / "asked")])
    original = load(tmp_path / "asked")
    assert original.findings["why"].str.contains("The organisms were trained", regex=False).all()
    assert_equal_tables(replayed(command, tmp_path / "asked", tmp_path / "again"), original)
