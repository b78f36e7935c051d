"""An epoch loop and an audit through a real vLLM server, with a model that knows only the forms of answers."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from scai_irl.audit.battery import Sizes
from scai_irl.audit.model_audit import ModelAudit, audit_model
from scai_irl.backends.registry import make_backend
from scai_irl.backends.vllm.serving import RunningServer
from scai_irl.cli.main import main
from scai_irl.language.asking import Style
from scai_irl.lm.settings import LmSettings
from scai_irl.measure.elicit import CHANNELS, Elicitation
from scai_irl.results.results import load
from tests.scai_irl.loop.test_language_model import COSTS, contents

RUN = ("run", "one-group-norm", "--runs", "1", "--epochs", "2", "--group", "5v5", "--users", "fair", "--seed", "2")
MODEL = ("--agents", "thompson", "scai", "llm-psrl", "--manner", "rude", "--users-by", "model", "--max-tokens", "2500")


@pytest.fixture(scope="module")
def played(server: RunningServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("played") / "results"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SCAI_IRL_API_KEY", server.api_key)
        main([*RUN, *MODEL, "--backend", "vllm-server", "--url", server.url, "--out", str(folder)])
        yield folder


def test_the_loop_runs_with_assistants_learners_and_users_played_by_the_model(
    played: Path, server: RunningServer
) -> None:
    results = load(played)
    assert results.manifest.model == server.model
    table = results.interactions
    # The model sometimes writes half a pair of characters, which no file can store. Such answers are missing, and
    # their number depends on its tokenizer.
    assert table["offer"].notna().mean() > 0.1
    assert results.manifest.counts["missing"] >= (table["offer"].isna() & (table["proposer"] == "user")).sum()
    assert table.loc[table["offer"].notna(), "offered_share"].between(0, 1).all()
    assert table.loc[table["offer"].notna() & (table["proposer"] == "user"), "proposer_text"].str.len().gt(0).all()
    assert results.verbal_policies["written"].notna().any()
    counts = results.manifest.counts
    assert counts["calls"] == len(results.calls)
    assert counts["prompt_tokens"] == results.calls["prompt_tokens"].sum() > 0
    assert counts["completion_tokens"] == results.calls["completion_tokens"].sum() > 0


def test_the_same_seed_gives_the_same_numbers_and_another_does_not(
    played: Path, server: RunningServer, tmp_path: Path
) -> None:
    command = [*RUN, *MODEL, "--backend", "vllm-server", "--url", server.url]
    main([*command, "--concurrency", "7", "--out", str(tmp_path / "again")])
    assert contents(tmp_path / "again", *COSTS) == contents(played, *COSTS)
    main([*command, "--seed", "3", "--out", str(tmp_path / "other")])
    assert contents(tmp_path / "other") != contents(played)


def test_what_was_recorded_is_replayed_without_the_server(played: Path, tmp_path: Path) -> None:
    main([*RUN, *MODEL, "--backend", "replay", "--replay", str(played), "--out", str(tmp_path / "replayed")])
    assert contents(tmp_path / "replayed", *COSTS) == contents(played, *COSTS)


def test_an_audit_goes_through_all_channels_and_finds_no_bayesian(server: RunningServer) -> None:
    how = Elicitation(channels=CHANNELS, wordings=(1,), draws=3, style=Style(max_tokens=2_500))
    settings = LmSettings(urls=(server.url,), api_key=server.api_key)
    with contextlib.closing(make_backend("vllm-server", settings)) as backend:
        audited = audit_model(backend, ModelAudit(Sizes(1, 1), how, acts=1), lambda _step: None)
    card = audited.scorecard.set_index(["measure", "channel"])["value"]
    for channel in ("sampled", "token"):
        assert card["TV to the exact posterior", channel] > 0.1
    assert abs(card["weight of behaviour", "token"]) < 0.5
    assert card["texts that differ when asked alike", "sampled"] != 0
    beliefs = audited.beliefs[audited.beliefs["channel"] == "token"]
    assert beliefs["probability"].notna().all()
    sums = beliefs.groupby(["item", "order"])["probability"].sum()
    assert sums.to_numpy() == pytest.approx(1)
