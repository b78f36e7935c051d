"""The doctor finds exactly the functions that a server lacks, and gives hints."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from scai_irl.backends.vllm import checkup as doctor
from scai_irl.backends.vllm.checkup import CheckResult, check_server, installed
from scai_irl.backends.vllm.environment import VARIABLE, Platform
from scai_irl.backends.vllm.trials import TRIALS
from scai_irl.cli.main import main
from scai_irl.io.errors import InputError
from scai_irl.lm.settings import LmSettings
from tests.scai_irl.backends.fake_server import MODEL, Body, FakeServer, Fault, fake_server
from tests.scai_irl.backends.test_faults import _without_log_probabilities, free_port

IMPATIENT = LmSettings(timeout=5.0, attempts=2, pause=0.001)
EVERYTHING = ["server", "model", *(trial.what for trial in TRIALS)]


def findings(server: FakeServer, **changes: Any) -> dict[str, CheckResult]:
    return {finding.what: finding for finding in check_server(server.url, replace(IMPATIENT, **changes))}


def broken(checks: dict[str, CheckResult]) -> list[str]:
    return [what for what, finding in checks.items() if not finding.works]


def with_content(text: str) -> Callable[[Body], Body]:
    def change(answer: Body) -> Body:
        (choice,) = answer["choices"]
        message = {"role": "assistant", "content": text}
        return answer | {"choices": [choice | {"message": message}]}

    return change


def bare(answer: Body) -> Body:
    (choice,) = answer["choices"]
    return answer | {"choices": [choice | {"logprobs": None}]}


def test_a_server_that_can_do_everything_gets_no_hint() -> None:
    with fake_server() as server:
        checks = findings(server)
    assert list(checks) == EVERYTHING
    assert broken(checks) == []
    assert all(finding.detail and not finding.hint for finding in checks.values())
    assert MODEL in checks["server"].detail
    needed = [what for what, finding in checks.items() if finding.needed]
    assert needed == ["server", "model", "chat", "structured: json", "structured: choice", "structured: regex"]


@pytest.mark.parametrize("kind", ["json", "choice", "regex"])
def test_ignored_forms_are_detected_by_the_answers(kind: str) -> None:
    wave = Fault(change=with_content("The waves, the waves …"))
    with fake_server(lambda _n, body: wave if kind in body.get("structured_outputs", {}) else None) as server:
        checks = findings(server)
    wrong = checks[f"structured: {kind}"]
    assert wrong.detail == "0 of 4 have the form: 'The waves, the waves …'"
    assert "0.32" in wrong.hint
    assert broken(checks) == [wrong.what] + (["log-probabilities"] if kind == "choice" else [])


@pytest.mark.parametrize(
    "text", ['{"offer":11}', '{"offer":true}', '{"offer":3.0}', '{"offer":3,"why":""}', "[3]", "3"]
)
def test_json_of_another_schema_is_not_taken_for_the_form(text: str) -> None:
    with fake_server(
        lambda _n, body: Fault(change=with_content(text)) if "structured_outputs" in body else None
    ) as server:
        assert not findings(server)["structured: json"].works


def test_no_log_probabilities_of_answers() -> None:
    with fake_server(lambda _n, _b: Fault(change=bare)) as server:
        checks = findings(server)
    assert broken(checks) == ["log-probabilities"]
    assert checks["log-probabilities"].hint


def test_no_tokeniser_and_no_log_probabilities_of_prompts(monkeypatch: pytest.MonkeyPatch) -> None:
    with fake_server() as server:
        server.missing = ("/tokenize",)
        checks = findings(server)
        assert broken(checks) == ["labels"]
        assert "no tokeniser" in checks["labels"].detail
        server.missing = ()
        monkeypatch.setattr("tests.scai_irl.backends.fake_server._scored", _without_log_probabilities)
        checks = findings(server)
    assert broken(checks) == ["labels"]
    assert "no log-probabilities of prompts" in checks["labels"].detail
    assert "token channel" in checks["labels"].hint


def test_seeds_that_are_ignored() -> None:
    count = itertools.count()
    with fake_server(lambda _n, body: Fault(change=with_content(str(next(count)))) if free(body) else None) as server:
        assert broken(findings(server)) == ["seeds"]
    with fake_server(lambda _n, body: Fault(change=with_content("always this")) if free(body) else None) as server:
        checks = findings(server)
    assert broken(checks) == ["seeds"]
    assert checks["seeds"].detail == "same seed, same text: 4 of 4; 1 texts of 4 seeds"


def free(body: Body) -> bool:
    return bool(body["temperature"]) and "structured_outputs" not in body


def test_a_temperature_of_0_that_changes_its_mind() -> None:
    count = itertools.count()
    with fake_server(
        lambda _n, body: None if body["temperature"] else Fault(change=with_content(str(next(count))))
    ) as server:
        checks = findings(server)
    assert "temperature 0" in broken(checks)
    assert "--batch-invariant" in checks["temperature 0"].hint
    assert not checks["temperature 0"].needed


@pytest.mark.parametrize(
    "fault", [Fault(status=400), Fault(status=500), Fault(raw=b"{"), Fault(change=with_content(""))]
)
def test_a_server_that_cannot_chat_has_that_row_and_goes_on(fault: Fault) -> None:
    with fake_server(lambda _n, body: fault if "structured_outputs" not in body else None) as server:
        checks = findings(server)
    assert not checks["chat"].works
    assert checks["chat"].hint
    assert checks["structured: json"].works
    assert list(checks) == EVERYTHING


def test_a_server_that_is_down_is_a_row() -> None:
    (only,) = check_server(f"http://127.0.0.1:{free_port()}", IMPATIENT)
    assert (only.what, only.works, only.needed) == ("server", False, True)
    assert "no server answers" in only.detail
    assert "scai-irl serve" in only.hint


def test_a_wrong_key_is_a_row_and_the_right_one_works() -> None:
    with fake_server(key="secret") as server:
        (only,) = findings(server).values()
        assert only.detail == f"api key: {server.url} refuses it"
        assert "SCAI_IRL_API_KEY" in only.hint
        assert broken(findings(server, api_key="secret")) == []


def test_a_model_that_is_not_there_is_a_row() -> None:
    with fake_server() as server:
        checks = findings(server, model="gpt-5")
        assert broken(checks) == ["model"]
        assert MODEL in checks["model"].hint
        server.models = (MODEL, "another")
        checks = findings(server)
        assert broken(checks) == ["model"]
        assert "--model" in checks["model"].hint
        assert broken(findings(server, model=MODEL)) == []
        server.models = ()
        assert findings(server)["server"].detail == "models: none"


def test_what_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(python: str) -> Platform:
        raise InputError("vllm", f"it is not installed for {python}", "install it")

    monkeypatch.setattr(doctor, "find_platform", lambda _: Platform("0.32.0", "cpu"))
    monkeypatch.setenv(VARIABLE, "/some/python")
    checks = {finding.what: finding for finding in installed()}
    assert list(checks) == ["Python", "jax", "numpyro", "optax", "arviz", "openai", "vllm", "ray"]
    assert all(checks[name].works for name in list(checks)[:6])
    assert checks["vllm"].detail == "0.32.0 for cpu, by /some/python"
    assert "cpu" in checks["jax"].detail
    monkeypatch.setattr(doctor, "find_platform", missing)
    without = {finding.what: finding for finding in installed()}["vllm"]
    assert (without.works, without.hint) == (None, "install it")


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Check servers alone, which is faster."""
    monkeypatch.setattr(doctor, "installed", lambda: [CheckResult("vllm", None, "not\x1b[31m there [bold]", "fix it")])
    monkeypatch.setenv("COLUMNS", "200")


@pytest.mark.usefixtures("nothing_installed")
def test_the_command_prints_a_table_and_ends_with_0_if_all_that_is_needed_works(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with fake_server(lambda _n, _b: Fault(change=bare)) as server, fake_server() as other:
        main(["doctor", "--url", server.url, other.url])
    out, err = capsys.readouterr()
    assert err == ""
    assert server.url in out
    assert other.url in out
    assert re.search(r"✗ +log-probabilities +0 tokens .*vLLM", out)
    assert re.search(r"✓ +structured: json +4 of 4", out)
    assert "\x1b[31m" not in out
    assert re.search(r"– +vllm +not�\[31m there \[bold\] +fix it", out)


@pytest.mark.usefixtures("nothing_installed")
def test_the_command_ends_with_1_if_something_needed_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    with fake_server() as server, pytest.raises(SystemExit) as stopped:
        main(["doctor", "--url", server.url, f"http://127.0.0.1:{free_port()}"])
    assert stopped.value.code == 1
    out, err = capsys.readouterr()
    assert err == ""
    assert re.search(r"✗ +server .*scai-irl serve", out)
    assert re.search(r"✓ +chat", out)


@pytest.mark.parametrize("url", ["127.0.0.1:8000", "ftp://here", ""])
def test_what_is_no_address_is_refused(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["doctor", "--url", url])
    assert stopped.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == f"error: url: {url!r} is not an address; write it as http://127.0.0.1:8000\n"
