"""Experiments with a language model behind HTTP give the same numbers after failed calls and from the record."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from scai_irl.backends.estimate import estimate
from scai_irl.backends.vllm.server import VllmServer
from scai_irl.cli.main import main
from scai_irl.language.requests import offer_request
from scai_irl.lm.cache import CALLS, CallStore
from scai_irl.lm.settings import LmSettings
from scai_irl.results.results import load
from scai_irl.testing.backend_laws import VERBAL
from tests.scai_irl.backends.fake_server import MODEL, Body, FakeServer, Fault, FaultOf, fake_server

RUN = ("run", "mixed-group-norm", "--runs", "2", "--epochs", "2", "--group", "5v5", "--seed", "3")
AGENTS = ("--agents", "thompson", "oracle")
TABLES = ("interactions.parquet", "verbal_policies.parquet", "beliefs.parquet", "alignment.parquet")
COSTS = ("costs.parquet", "summary.parquet")


def run(out: Path, *more: str) -> Path:
    main([*RUN, *AGENTS, *more, "--out", str(out)])
    return out


def served(out: Path, server: FakeServer, *more: str) -> Path:
    return run(out, "--backend", "vllm-server", "--url", server.url, *more)


def contents(folder: Path, *more: str) -> dict[str, bytes]:
    """Tables as bytes; tables with numbers of tokens only on request, since tokenisers differ."""
    return {name: (folder / name).read_bytes() for name in (*TABLES, *more)}


@pytest.fixture(scope="module")
def by_phrasebook(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(tmp_path_factory.mktemp("phrasebook") / "results")


@pytest.fixture(scope="module")
def by_server(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with fake_server() as server:
        return served(tmp_path_factory.mktemp("server") / "results", server)


def test_a_model_behind_http_gives_the_numbers_of_the_same_model_at_hand(by_phrasebook: Path, by_server: Path) -> None:
    assert contents(by_server) == contents(by_phrasebook)
    manifest = load(by_server).manifest
    assert (manifest.backend, manifest.model) == ("vllm-server", MODEL)
    assert manifest.service == {}


def test_every_call_is_kept_and_judged(by_server: Path) -> None:
    calls = load(by_server).calls
    assert len(calls) == load(by_server).manifest.counts["calls"]
    assert set(calls["model"]) == {MODEL}
    assert calls["readable"].all()
    assert calls["seed"].is_unique
    assert calls["asked"].str.contains("<data>", regex=False).all()


def test_replay_gives_the_same_bytes_with_no_model_there(by_server: Path, tmp_path: Path) -> None:
    replayed = run(tmp_path / "replayed", "--backend", "replay", "--replay", str(by_server))
    assert contents(replayed, *COSTS) == contents(by_server, *COSTS)
    assert load(replayed).manifest.counts == load(by_server).manifest.counts


def test_a_replay_of_another_configuration_is_refused(
    by_server: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        run(tmp_path / "other", "--backend", "replay", "--replay", str(by_server), "--wording", "2")
    assert "no answer to a request" in capsys.readouterr().err


def test_folders_that_cannot_be_replayed_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged" / CALLS).write_bytes(b"no database at all" * 100)
    CallStore((tmp_path / "damaged").with_name("empty.sqlite")).close()
    for folder, message in {"nowhere": "has no recorded calls", "damaged": "cannot be used"}.items():
        with pytest.raises(SystemExit, match="2"):
            run(tmp_path / "out", "--backend", "replay", "--replay", str(tmp_path / folder))
        assert message in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        run(tmp_path / "out", "--backend", "replay")
    assert capsys.readouterr().err == (
        "error: replay: no folder given; give a results folder of a run that called a language model\n"
    )


def gone_after(number: int) -> FaultOf:
    return lambda n, _body: None if n < number else Fault(drop=True)


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 3, 40, 100])
def test_a_server_that_dies_in_mid_run_costs_no_call_and_no_number(
    number: int, by_phrasebook: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "results"
    with fake_server(gone_after(number)) as dying, pytest.raises(SystemExit, match="2"):
        served(out, dying, "--attempts", "2", "--concurrency", "1")
    assert "the same command again: it resumes" in capsys.readouterr().err
    with fake_server() as well:
        served(out, well)
    assert contents(out) == contents(by_phrasebook)
    results = load(out)
    assert len(well.calls) == results.manifest.counts["calls"] - number
    assert results.manifest.service["asked again: connection lost"] >= 1


def some_fault(number: int, _body: Body) -> Fault | None:
    faults: list[Fault | None] = [Fault(status=500), None, Fault(status=429), None, Fault(raw=b"{"), None, None]
    return faults[number % len(faults)]


def test_a_server_that_keeps_failing_now_and_then_changes_no_number(by_phrasebook: Path, tmp_path: Path) -> None:
    with fake_server(some_fault) as server:
        out = served(tmp_path / "results", server, "--attempts", "30", "--pause", "0.001")
    assert contents(out) == contents(by_phrasebook)
    manifest = load(out).manifest
    # The server may also have been removed and restored.
    asked_again = sum(count for what, count in manifest.service.items() if what.startswith("asked again"))
    assert asked_again == len(server.calls) - manifest.counts["calls"]


@pytest.mark.parametrize("limit", ["calls", "tokens"])
def test_a_budget_stops_the_run_before_it_is_exceeded_and_more_lets_it_go_on(
    limit: str, by_phrasebook: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, allowed = tmp_path / "results", {"calls": 50, "tokens": 60_000}[limit]
    with fake_server() as server:
        for _ in range(2):  # the second session finds the budget spent
            with pytest.raises(SystemExit, match="2"):
                served(out, server, f"--budget-{limit}", str(allowed))
            assert "budget: the next call could exceed it" in capsys.readouterr().err
        store = CallStore(out / CALLS)
        calls, tokens = store.spent()
        store.close()
        assert 0 < (calls if limit == "calls" else tokens) <= allowed
        assert len(server.calls) == calls
        served(out, server, f"--budget-{limit}", "100000000")
    assert contents(out) == contents(by_phrasebook)


def test_a_dry_run_says_how_many_calls_there_will_be_and_asks_nobody(
    by_server: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    nobody = ("--backend", "vllm-server", "--url", "http://127.0.0.1:9", "--dry-run", "--price", "1", "2")
    main([*RUN, *AGENTS, *nobody])
    output = capsys.readouterr().out
    counts = load(by_server).manifest.counts
    assert f"calls: {counts['calls']:,} " in output
    assert "price: " in output
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(SystemExit, match="2"):
        main([*RUN, *AGENTS, *nobody, "--speed", "100", "10"])
    assert "speed: (100.0, 10.0) is no range; give the slower one first" in capsys.readouterr().err


def test_an_estimate_holds_what_a_run_then_costs(by_phrasebook: Path) -> None:
    requests = [offer_request(VERBAL, "dollars", 20, seed) for seed in range(50)]
    cost = estimate(lambda backend: backend.complete(requests), (10.0, 1000.0), (1.0, 2.0))
    with fake_server() as server, contextlib.closing(VllmServer(LmSettings(urls=(server.url,)))) as backend:
        answers = backend.complete(requests)
    spent = sum(answer.usage.prompt for answer in answers) / 4  # the server counts bytes, and a token has about four
    assert cost.calls == (50, 150)
    assert cost.prompt_tokens[0] < spent < cost.prompt_tokens[1]
    written = sum(answer.usage.completion for answer in answers)
    assert cost.completion_tokens[0] <= written <= cost.completion_tokens[1]
    assert cost.price[0] < cost.price[1]
    assert cost.seconds[0] < cost.seconds[1]
