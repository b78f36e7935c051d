"""Addresses of Ray clusters: a proxy to the outside does not apply between nodes."""

from __future__ import annotations

import importlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from scai_irl.sweep.address import found_address


def test_a_cluster_is_found_whatever_proxy_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray", reason="Ray is not installed")  # and gRPC with it
    grpc: Any = importlib.import_module("grpc")
    for name in ("no_proxy", "NO_PROXY", "no_grpc_proxy"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "https_proxy", "grpc_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nobody listens there
    with ThreadPoolExecutor(1) as workers:
        head = grpc.server(workers)  # it has no health check, but answers
        address = f"127.0.0.1:{head.add_insecure_port('127.0.0.1:0')}"
        head.start()
        try:
            assert found_address(address) == address
        finally:
            head.stop(None).wait()
