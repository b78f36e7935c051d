"""A program in place of ``scai-irl`` for tests of scripts. It reports how it was called, and can wait to be stopped.

Run as a program it is that stand-in; imported, it makes one.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import signal
import sys
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

REPORT, WAITING, STOPPED = "report.json", "waiting", "stopped"
VARIABLES = ("SCAI_IRL_VLLM_PYTHON", "SCAI_IRL_API_KEY", "RAY_AUTH_TOKEN", "JAX_PLATFORMS", "HTTP_PROXY")
WAIT, STATUS = "STAND_IN_WAITS", "STAND_IN_STATUS"


def make_stand_in(folder: Path) -> str:
    """Write the program, and return the shell command that puts it before the real one."""
    folder.mkdir()
    program = folder / "scai-irl"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} {__file__} "$@"\n')
    program.chmod(0o755)
    return f"export PATH='{folder}':{Path(sys.executable).parent}:\"$PATH\""


def main(words: list[str]) -> int:
    """Act like a sweep or a server."""
    if words[0] == "serve":
        print(" ".join([*words[2:], f"GPUs={os.environ.get('CUDA_VISIBLE_DEVICES')}"]), flush=True)
        serve(int(words[words.index("--port") + 1]))
    out = Path(words[words.index("--out") + 1])
    report: dict[str, object] = {"words": words, "folder": str(Path.cwd()), "leaks": leaks()}
    report |= {"variables": {name: os.environ[name] for name in VARIABLES if name in os.environ}}
    if "--address" in words:
        report |= ray_cluster(words[words.index("--address") + 1])
        report["healthy"] = [
            url for word in words if word.startswith("url=") for url in json.loads(word[4:]) if healthy(url)
        ]
    if WAIT in os.environ:
        signal.signal(signal.SIGTERM, lambda *_: stopped(out))
        (out / WAITING).touch()
        time.sleep(60)
    (out / REPORT).write_text(json.dumps(report))
    return int(os.environ.get(STATUS, "0"))


def stopped(out: Path) -> None:
    """Report that the program was stopped."""
    (out / STOPPED).touch()
    sys.exit(1)


def serve(port: int) -> None:
    """Answer health checks."""

    class Healthy(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/health" else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            return

    class Server(ThreadingHTTPServer):
        allow_reuse_port = True  # two nodes may be one machine

    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with Server(("127.0.0.1", port), Healthy) as server:
        server.serve_forever()


def healthy(url: str) -> bool:
    """Whether a server is healthy, asked through the environment's proxies as most clients do."""
    with urllib.request.urlopen(f"{url}/health", timeout=5) as answer:  # noqa: S310 - an http:// of the job
        return bool(answer.status == 200)


def ray_cluster(address: str) -> dict[str, object]:
    """Nodes of a Ray cluster, and the variables of its workers."""
    ray: Any = importlib.import_module("ray")  # most tests need no Ray
    ray.init(address, logging_level=logging.ERROR, log_to_driver=False)
    known = ray.remote(lambda: {name: os.environ.get(name) for name in VARIABLES})
    return {"nodes": len(ray.nodes()), "cpus": ray.cluster_resources()["CPU"], "worker": ray.get(known.remote())}


def leaks() -> list[str]:
    """Secrets on a command line, where everybody can read them."""
    lines = b""
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines += process.read_bytes()
        except OSError:  # it has just ended
            continue
    secrets = ("SCAI_IRL_API_KEY", "RAY_AUTH_TOKEN")
    return [name for name in secrets if name in os.environ and os.environ[name].encode() in lines]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
