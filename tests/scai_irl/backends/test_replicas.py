"""An experiment's numbers do not depend on which servers answer, since seeds belong to runs and draws."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest

from scai_irl.cli.main import main
from tests.scai_irl.backends.fake_server import FakeServer, fake_server
from tests.scai_irl.loop.test_language_model import COSTS, contents

RUN = ("run", "one-group-norm", "--runs", "2", "--epochs", "2", "--group", "5v5", "--users", "fair", "--seed", "6")
MODEL = ("--agents", "thompson", "scai-memory", "--users-by", "model", "--lapse", "0.3", "--backend", "vllm-server")


def played(out: Path, servers: list[FakeServer]) -> tuple[dict[str, bytes], Counter[str]]:
    """Run an experiment. Return its tables and the servers' requests with their seeds."""
    main([*RUN, *MODEL, "--url", *(server.url for server in servers), "--out", str(out)])
    requests = Counter(json.dumps(body, sort_keys=True) for server in servers for body in server.calls)
    for server in servers:
        assert server.calls
        server.calls.clear()
    return contents(out, *COSTS), requests


@pytest.mark.slow
def test_numbers_and_requests_are_the_same_with_one_server_and_with_several_in_any_order(tmp_path: Path) -> None:
    with ExitStack() as stack:
        servers = [stack.enter_context(fake_server()) for _ in range(3)]
        numbers, requests = played(tmp_path / "one", servers[:1])
        assert max(requests.values()) == 1  # each request has a seed of its own
        for name, some in {"two": servers[:2], "turned": servers[1::-1], "three": servers}.items():
            assert played(tmp_path / name, some) == (numbers, requests)
