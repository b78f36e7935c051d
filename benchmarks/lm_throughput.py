"""Requests per second of the client for vLLM servers, compared with a minimal client that sends the same bytes.

``python -m benchmarks.lm_throughput --vllm-python .venv-vllm/bin/python``. A real server on this machine has a model of
16 million random weights, far smaller than any in use, so that the client's own cost still shows; with
``--width 64 --layers 2`` it has the tiny one of `tests/vllm`, and does hardly more than hand requests on. The batch is
what the loop sends: translations, offers and answers, each with its own seed. The rival makes nothing: its requests are
bytes before the clock starts, and its answers are read as bytes and dropped. Both have the same number in flight; the
ways take turns, and the median of their rounds counts. Answers end after 32 tokens at most: random weights know no end,
and one answer of thousands of tokens, which comes or not as rounding falls, would be all that is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from tabulate import tabulate

from benchmarks.report import machine
from envs import Norm, Policy
from scai_irl.backends.vllm.environment import vllm_python
from scai_irl.backends.vllm.openai_calls import structured_outputs
from scai_irl.backends.vllm.server import VllmServer
from scai_irl.backends.vllm.serving import RunningServer, ServerOptions, running_server
from scai_irl.language.asking import Style
from scai_irl.language.phrases import say_policy
from scai_irl.language.requests import answer_request, offer_request, translation_request
from scai_irl.lm.cache import CALLS, CallStore
from scai_irl.lm.protocol import Backend, Request
from scai_irl.lm.replay import Recorded
from scai_irl.lm.settings import LmSettings
from tests.tiny_model import make_tiny

CURRENCIES = ("dollars", "apples", "blankets")
RIVAL = "raw bytes"
LONGEST = 32  # tokens


def batch(number: int) -> list[Request]:
    """Return the requests of a step of the loop: a tenth translations, the rest offers and answers in turn."""
    norms = [Policy.of(Norm(name)) for name in ("selfish", "fair", "altruistic")]
    requests = []
    for seed in range(number):
        policy, currency, stake = norms[seed % 3], CURRENCIES[seed % 3], 10 + seed % 91
        if seed % 10 == 0:
            requests.append(translation_request(policy, seed, Style()))
        elif seed % 2:
            requests.append(offer_request(say_policy(policy), currency, stake, seed, Style()))
        else:
            requests.append(answer_request(say_policy(policy), currency, stake, seed % stake, seed, Style()))
    return [replace(one, sampling=replace(one.sampling, max_tokens=LONGEST)) for one in requests]


class RawClient:
    """Minimal HTTP/1.1 client with persistent connections: requests are prepared before, and replies are dropped.

    Args:
        server: The server.
        requests: What is asked.
        concurrency: Number of connections.
    """

    def __init__(self, server: RunningServer, requests: Sequence[Request], concurrency: int) -> None:
        self._address = urlsplit(server.url)
        self._calls = [self._bytes(server, request) for request in requests]
        self._concurrency = concurrency

    def _bytes(self, server: RunningServer, request: Request) -> bytes:
        body = json.dumps(
            {
                "model": server.model,
                "messages": [{"role": message.role, "content": message.content} for message in request.messages],
                "temperature": request.sampling.temperature,
                "max_tokens": request.sampling.max_tokens,
                "seed": request.seed,
                "structured_outputs": structured_outputs(request.structure),
            }
        ).encode()
        head = (
            f"POST /v1/chat/completions HTTP/1.1\r\nHost: {self._address.netloc}\r\n"
            f"Authorization: Bearer {server.api_key}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    def send_all(self) -> None:
        """Send every request."""
        asyncio.run(self._send_all())

    async def _send_all(self) -> None:
        waiting = deque(self._calls)

        async def connection() -> None:
            reader, writer = await asyncio.open_connection(self._address.hostname, self._address.port)
            while waiting:
                writer.write(waiting.popleft())
                head = await reader.readuntil(b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 200 "), head
                length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
                await reader.readexactly(int(length.partition(b":")[2]))
            writer.close()
            await writer.wait_closed()

        await asyncio.gather(*(connection() for _ in range(self._concurrency)))


def answered(backend: Backend, requests: Sequence[Request]) -> None:
    """Call a backend, and check that all requests were answered."""
    answers = backend.complete(requests)
    assert all(answer.finish_reason in {"stop", "length"} for answer in answers)
    assert sum(backend.service().values()) == 0, "something was asked twice"


def recorded(backend: Backend, requests: Sequence[Request]) -> None:
    """Call a backend with a new store of calls, like an experiment."""
    with tempfile.TemporaryDirectory() as folder, closing(CallStore(Path(folder) / CALLS)) as store:
        answered(Recorded(backend, store), requests)


def measure(ways: dict[str, Callable[[], None]], rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Measure the seconds of every way in every round, after one round that does not count.

    Returns:
        Wall seconds, and processor seconds of this process, of each round.
    """
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for number in range(-1, rounds):
        for name in [*ways][:: 1 if number % 2 else -1]:
            wall, processor = time.perf_counter(), time.process_time()
            ways[name]()
            if number >= 0:
                spent[name].append((time.perf_counter() - wall, time.process_time() - processor))
    return spent


def report(number: int, spent: dict[str, list[tuple[float, float]]]) -> str:
    """Return a table of the ways, with their speed relative to the rival's."""
    middle = {name: [statistics.median(kind) for kind in zip(*rounds, strict=True)] for name, rounds in spent.items()}
    rows = []
    for name, (wall, processor) in middle.items():
        speeds = sorted(number / seconds for seconds, _ in spent[name])
        rows.append([name, number / wall, speeds[0], speeds[-1], middle[RIVAL][0] / wall, 1e3 * processor / number])
    headers = ("client", "requests/s", "slowest", "fastest", "ratio", "processor ms a request")
    return tabulate(rows, headers=headers, floatfmt=("", ".1f", ".1f", ".1f", ".3f", ".2f"))


def main() -> None:
    """Read the command line, measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lm_throughput", description=__doc__)
    parser.add_argument("--requests", type=int, default=400, help="requests in a batch")
    parser.add_argument("--rounds", type=int, default=7, help="rounds that count")
    parser.add_argument("--concurrency", type=int, default=64, help="requests in flight")
    parser.add_argument("--vllm-python", default=vllm_python(), help="Python that has vLLM")
    parser.add_argument("--checkpoint", type=Path, help="folder of a model; one of random weights is made without it")
    parser.add_argument("--width", type=int, default=512, help="width of the model that is made")
    parser.add_argument("--layers", type=int, default=8, help="layers of the model that is made")
    arguments = parser.parse_args()
    requests = batch(arguments.requests)
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = arguments.checkpoint or make_tiny(Path(folder) / "model", arguments.width, arguments.layers)
        options = ServerOptions(str(checkpoint), max_model_len=8_192, max_num_seqs=64, python=arguments.vllm_python)
        settings = LmSettings(concurrency=arguments.concurrency, timeout=600.0)
        with running_server(options) as server:
            given = replace(settings, urls=(server.url,), api_key=server.api_key)
            raw = RawClient(server, requests, arguments.concurrency)
            with closing(VllmServer(given)) as backend:
                ways: dict[str, Callable[[], None]] = {
                    RIVAL: raw.send_all,
                    "VllmServer": lambda: answered(backend, requests),
                    "Recorded(VllmServer)": lambda: recorded(backend, requests),
                }
                spent = measure(ways, arguments.rounds)
            where = f"vLLM {server.platform.version} for {server.platform.device}"
            weights = (checkpoint / "model.safetensors").stat().st_size // 4
    lines = [
        report(arguments.requests, spent),
        f"{arguments.requests} requests, {arguments.concurrency} in flight, median of {arguments.rounds} rounds",
        f"{where}, {weights / 1e6:.1f} million weights",
        machine(),
    ]
    sys.stdout.write("\n".join([*lines, ""]))


if __name__ == "__main__":
    main()
