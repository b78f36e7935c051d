"""A web server that speaks as much of the OpenAI API as backends use, and misbehaves on command.

The phrasebook computes its answers, so they are known. It reads bytes, each with a probability of 1/256, and writes
four letters at a time.
"""

from __future__ import annotations

import contextlib
import json
import math
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from scai_irl.backends.phrasebook.backend import Phrasebook
from scai_irl.lm.protocol import Message, Request, Sampling

MODEL = "phrasebook-behind-http"
Body = dict[str, Any]


@dataclass(frozen=True)
class Fault:
    """A fault: it replaces an answer, or changes it.

    Attributes:
        status: HTTP status of a refusal.
        headers: Headers that go with it.
        raw: Body that is sent unchanged.
        drop: Whether the connection is closed without a word.
        seconds: Delay of the answer.
        change: Function that changes the answer.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    drop: bool = False
    seconds: float = 0.0
    change: Callable[[Body], Body] | None = None


FaultOf = Callable[[int, Body], Fault | None]
"""Fault of the n-th call, counted from 0, given its body."""


@dataclass
class FakeServer:
    """A running server.

    Attributes:
        url: Its address.
        calls: Bodies of all chat calls, in order.
        key: Key that it requires; none if empty.
        missing: Paths that do not exist.
        models: Names of its models; only the first can be used.
        health: HTTP status of its health check.
        looks: Number of health checks.
    """

    url: str = ""
    calls: list[Body] = field(default_factory=list)
    key: str = ""
    missing: tuple[str, ...] = ()
    models: tuple[str, ...] = (MODEL,)
    health: int = 200
    looks: int = 0
    fault: FaultOf = lambda _number, _body: None
    most_at_once: int = 0
    _now: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, body: Body) -> Fault | None:
        """Count a call."""
        with self._lock:
            self.calls.append(body)
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
            return self.fault(len(self.calls) - 1, body)

    def end(self) -> None:
        """Count its end."""
        with self._lock:
            self._now -= 1


@contextlib.contextmanager
def fake_server(fault: FaultOf = lambda _number, _body: None, key: str = "", port: int = 0) -> Iterator[FakeServer]:
    """Run a server on the loopback interface."""
    state = FakeServer(fault=fault, key=key)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if self.path == "/health":
                state.looks += 1
                self._write(b"", state.health, {"Content-Type": "text/plain"})
            elif self._allowed():
                kind = {"object": "model", "created": 0, "owned_by": ""}
                self._send({"object": "list", "data": [{"id": model} | kind for model in state.models]})

        def do_POST(self) -> None:
            body: Body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if not self._allowed():
                return
            if self.path in state.missing:
                self._send({"detail": "Not Found"}, 404)
            elif self.path == "/tokenize":
                self._send({"tokens": list(_rendered(body).encode())})
            elif self.path == "/v1/completions":
                self._send(_scored(body))
            elif body["model"] != MODEL:
                self._send({"error": {"message": f"there is no model {body['model']}"}}, 404)
            else:
                self._chat(body)

        def _chat(self, body: Body) -> None:
            fault = state.begin(body) or Fault()
            try:
                time.sleep(fault.seconds)
                if fault.drop:
                    self.close_connection = True
                    self.connection.close()
                elif fault.raw is not None:
                    self._write(fault.raw, fault.status, fault.headers)
                elif fault.status != 200:
                    self._send({"error": {"message": "a fault"}}, fault.status, fault.headers)
                else:
                    answer = _answered(body)
                    self._send(fault.change(answer) if fault.change else answer)
            finally:
                state.end()

        def _allowed(self) -> bool:
            if not state.key or self.headers["Authorization"] == f"Bearer {state.key}":
                return True
            self._send({"error": {"message": "wrong key"}}, 401)
            return False

        def _send(self, body: Body, status: int = 200, headers: dict[str, str] | None = None) -> None:
            self._write(json.dumps(body).encode(), status, headers or {})

        def _write(self, content: bytes, status: int, headers: dict[str, str]) -> None:
            with contextlib.suppress(OSError):  # a client that has given up
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 256

        def handle_error(self, *_: object) -> None:
            """Log nothing about dropped connections."""

    server = Server(("127.0.0.1", port), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _answered(body: Body) -> Body:
    messages = tuple(Message(m["role"], m["content"]) for m in body["messages"])
    structure = body.get("structured_outputs", {})
    request = Request(messages, body["seed"], Sampling(body["temperature"], body["max_tokens"]))
    if "choice" in structure:
        text = structure["choice"][body["seed"] % len(structure["choice"])]
    elif "regex" in structure:
        text = "123"
    elif "json" in structure:
        text = Phrasebook().complete([request])[0].text
    else:
        text = f"word {body['seed']}" if body["temperature"] else "word"
    read, written = len(_rendered(body)), 1 + len(text) // 4
    usage = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
    tokens = [{"token": c, "logprob": -math.log(256), "bytes": None, "top_logprobs": []} for c in text]
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    choice["logprobs"] = {"content": tokens} if body.get("logprobs") else None
    kind = {"id": "1", "object": "chat.completion", "created": 0, "model": MODEL}
    return {**kind, "choices": [choice], "usage": usage}


def _rendered(body: Body) -> str:
    turns = [f"<{m['role']}>{m['content']}</>" for m in body["messages"]]
    if body.get("add_generation_prompt", True):
        return "".join(turns) + "<assistant>"
    return "".join(turns).removesuffix("</>")


def _scored(body: Body) -> Body:
    ids = body["prompt"]
    entries: list[Any] = [{str(token): {"logprob": -math.log(256), "rank": 1}} for token in ids]
    choice = {"index": 0, "text": "x", "finish_reason": "length", "logprobs": None}
    choice["prompt_logprobs"] = [None, *entries[1:]]
    usage = {"prompt_tokens": len(ids), "completion_tokens": 1, "total_tokens": len(ids) + 1}
    return {"id": "1", "object": "text_completion", "created": 0, "model": MODEL, "choices": [choice], "usage": usage}
