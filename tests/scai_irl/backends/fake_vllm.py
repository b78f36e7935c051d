"""A Python that pretends to have vLLM. A test writes this file after a shebang line, and runs it as a program."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

CAPABILITIES: list[list[int]] = []


class Health(BaseHTTPRequestHandler):
    """A server that answers 200 at every address."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *_arguments: object) -> None:
        """Log nothing."""


def ignore_signals() -> None:
    for how in (signal.SIGTERM, signal.SIGINT):
        signal.signal(how, signal.SIG_IGN)


def main() -> None:
    """Act as the variable FAKE_VLLM says."""
    act = os.environ.get("FAKE_VLLM", "serve")
    if sys.argv[1] == "-c":  # the question about its version of vLLM
        if act == "no vllm":
            sys.exit("ModuleNotFoundError: No module named 'vllm'")
        if act == "broken":
            sys.exit("Traceback\nImportError: libcudart.so.13: cannot open shared object file")
        print(
            "INFO importing\n"
            + json.dumps(
                {"version": os.environ.get("FAKE_VERSION", "0.32.0"), "device": "cpu", "capabilities": CAPABILITIES}
            )
        )
        return
    print("(APIServer pid=1) INFO 11-22 07:10:31 [api_utils.py:347] ▄▄ ▄█", flush=True)
    print("(APIServer pid=1) INFO 11-22 07:10:40 [model.py:733] Resolved architecture", flush=True)
    if act == "die":
        print("(EngineCore pid=2) ERROR 11-22 07:10:41 [core.py:1512] ValueError: no room\nbye, bye", flush=True)
        sys.exit(3)
    if act == "stubborn":
        ignore_signals()
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        Path(os.environ["FAKE_CHILD"]).write_text(str(child.pid))
    if act in {"stubborn", "never ready"}:
        time.sleep(600)
    server = HTTPServer((sys.argv[sys.argv.index("--host") + 1], int(sys.argv[sys.argv.index("--port") + 1])), Health)
    Path(os.environ["FAKE_STARTED"]).write_text(json.dumps({"words": sys.argv, "environment": dict(os.environ)}))
    server.timeout = 0.1
    deadline = time.monotonic() + float(os.environ.get("FAKE_SECONDS", "600"))
    while time.monotonic() < deadline:
        server.handle_request()
    sys.exit("RuntimeError: enough")


if __name__ == "__main__":
    main()
