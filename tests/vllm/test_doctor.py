"""The doctor finds no fault in a real vLLM server, and finds vLLM where it is installed."""

from __future__ import annotations

import pytest

from scai_irl.backends.vllm.checkup import check_server, installed
from scai_irl.backends.vllm.environment import VARIABLE
from scai_irl.backends.vllm.server import API_KEY
from scai_irl.backends.vllm.serving import RunningServer
from scai_irl.backends.vllm.trials import TRIALS
from scai_irl.cli.main import main
from scai_irl.lm.settings import LmSettings


def test_everything_works(server: RunningServer) -> None:
    checks = check_server(server.url, LmSettings(api_key=server.api_key))
    assert [finding for finding in checks if not finding.works] == []
    assert len(checks) == 2 + len(TRIALS)


def test_the_command_says_so(
    server: RunningServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(API_KEY, server.api_key)
    main(["doctor", "--url", server.url])
    out, _ = capsys.readouterr()
    assert "✗" not in out
    assert "tiny" in out
    assert server.api_key not in out


def test_vllm_is_found_in_its_environment(vllm_python: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, vllm_python)
    (vllm,) = (finding for finding in installed() if finding.what == "vllm")
    assert vllm.works
    assert "0.32" in vllm.detail
    assert vllm_python in vllm.detail
