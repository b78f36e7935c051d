"""Waiting for servers and nodes: until they are ready, at most for some time, and while their starters live."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from scai_irl.io.errors import InputError
from scai_irl.sweep.slurm.ready import Nodes, Servers, main, wait


class _Health(BaseHTTPRequestHandler):
    """A server that is healthy from the third check on."""

    requests = 0

    def do_GET(self) -> None:
        type(self).requests += 1
        self.send_response(200 if self.path == "/health" and self.requests > 2 else 503)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


def nowhere() -> str:
    """An address at which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{free.getsockname()[1]}"


def test_it_waits_until_a_server_is_healthy() -> None:
    with HTTPServer(("127.0.0.1", 0), _Health) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        servers = Servers((url,))
        wait(servers.missing, seconds=30, alive=(), pause=0.01)
        assert _Health.requests == 3
        other = f"http://{nowhere()}"
        assert Servers((url, other)).missing() == [other]
        server.shutdown()


def test_it_names_what_is_missing_when_the_time_is_over() -> None:
    url = f"http://{nowhere()}"
    with pytest.raises(InputError, match=f"after 0 seconds 1 not ready, the first of them {url}; see the other logs"):
        wait(Servers((url,)).missing, seconds=0, alive=(), pause=0.01)


def test_it_does_not_wait_for_what_nobody_starts() -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    started = time.monotonic()
    with pytest.raises(InputError, match="a process ended before all was ready"):
        wait(lambda: ["one"], seconds=60, alive=(dead.pid,), pause=0.01)
    assert time.monotonic() - started < 10


def test_without_a_head_all_nodes_are_missing() -> None:
    pytest.importorskip("ray", reason="Ray is not installed")
    assert Nodes(nowhere(), count=2).missing() == ["Ray node 1 of 2", "Ray node 2 of 2"]


def test_the_program_tells_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["servers", f"http://{nowhere()}", "--seconds", "0"])
    assert left.value.code == 2
    assert capsys.readouterr().err.startswith("error: start: after 0 seconds 1 not ready")
