"""Plain HTTP with a server, without any proxy."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

from scai_irl.backends.vllm.serving import RunningServer

_DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def send(
    server: RunningServer, path: str, body: dict[str, Any] | None = None, key: str | None = None
) -> tuple[int, Any]:
    """Send a request, by default with the server's key, and return status and answer."""
    key = server.api_key if key is None else key
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
    data = None if body is None else json.dumps({"model": server.model} | body).encode()
    request = urllib.request.Request(f"{server.url}{path}", data, headers)  # noqa: S310 - http, to ourselves
    try:
        with _DIRECTLY.open(request, timeout=120) as answer:
            status, text = answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        with refused:
            status, text = refused.code, refused.read()
    return status, json.loads(text) if text else None


def answer(server: RunningServer, path: str, body: dict[str, Any]) -> Any:
    """Send a request that must succeed, and return the answer."""
    status, reply = send(server, path, body)
    assert status == 200, reply
    return reply
