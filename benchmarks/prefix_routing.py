"""Requests per second of several vLLM servers with routing by prefix, compared with routing by load alone.

``python -m benchmarks.prefix_routing --vllm-python .venv-vllm/bin/python``. Real servers, two by default, share this
machine's cores and have a model of random weights. They are sent what two experiments ask, batch by batch, as it was
asked of a phrasebook, so that both ways are sent the same:

======== ==========================================================================================================
games    ``one-group-norm``: users and assistants in words, policies and beliefs written from games, epoch by epoch
watching groups that are watched game by game, in every condition: beliefs stated, and policies written, of games that
         become more
======== ==========================================================================================================

The ways take turns and begin with empty caches; the median of their rounds counts. What was cached is what the servers
say themselves, in tokens of prompts. Answers end after a few tokens: reading prompts is what is measured. Processor
time is that of all processes of the servers, which others that use the machine hardly change.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from unittest.mock import patch

from tabulate import tabulate

from benchmarks.report import machine
from experiments.group_norm.one_group_norm import OneGroupNorm, setting
from experiments.model_organisms.model import ModelOrganisms, played
from scai_irl.backends.phrasebook.backend import Phrasebook
from scai_irl.backends.vllm.environment import vllm_python
from scai_irl.backends.vllm.server import VllmServer
from scai_irl.backends.vllm.serving import RunningServer, ServerOptions, running_server
from scai_irl.lm.protocol import Completion, OnDone, Request
from scai_irl.lm.settings import LmSettings
from scai_irl.loop.run import play_or_resume
from scai_irl.measure.elicit import Elicitation, elicit
from tests.tiny_model import make_tiny
from tests.vllm.processes import group

_DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))
QUERIES, HITS = "vllm:prefix_cache_queries_total", "vllm:prefix_cache_hits_total"


class Collecting(Phrasebook):
    """A phrasebook that records its requests.

    Attributes:
        batches: Batches of requests, in order.
    """

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[Sequence[Request]] = []

    def complete(self, requests: Sequence[Request], on_done: OnDone | None = None) -> list[Completion]:
        """Answer and record the requests."""
        self.batches.append(requests)
        return super().complete(requests, on_done)


def games(runs: int) -> list[Sequence[Request]]:
    """Return the requests of `one-group-norm`."""
    agents = ("thompson", "scai-memory", "llm-psrl")
    config = OneGroupNorm(
        runs=runs, seed=1, users=("fair", "altruistic"), group=("5v5",), agents=agents, users_by="model"
    )
    book = Collecting()
    play_or_resume(setting(config), book, None)
    return book.batches


def watching(runs: int) -> list[Sequence[Request]]:
    """Return requests about groups that are observed interaction by interaction."""
    book = Collecting()
    items = [question.item for question in played(ModelOrganisms(runs=runs))]
    elicit(book, items, Elicitation(channels=("stated", "sampled"), wordings=(1,), draws=3))
    return book.batches[:1]  # what follows is acting on texts, which is short


EXPERIMENTS: dict[str, Callable[[int], list[Sequence[Request]]]] = {"games": games, "watching": watching}


def least(_prefix: bytes, _servers: Sequence[str], loads: Sequence[float], _full: float) -> int:
    """Return the server with the least load."""
    return loads.index(min(loads))


def as_asked(prefixes: Sequence[bytes], _servers: Sequence[str]) -> list[int]:
    """Send a batch in its own order."""
    return list(range(len(prefixes)))


@contextmanager
def by_load() -> Iterator[None]:
    """Route requests by load alone during the block."""
    with (
        patch("scai_irl.backends.vllm.replicas.choose", least),
        patch("scai_irl.backends.vllm.replicas.in_turns", as_asked),
    ):
        yield


WAYS: dict[str, Callable[[], AbstractContextManager[None]]] = {"by load": by_load, "by prefix": nullcontext}


@dataclass(frozen=True)
class Round:
    """Measurements of a round.

    Attributes:
        seconds: Wall time.
        processor: Processor seconds of the servers.
        read: Tokens of prompts, at each server.
        cached: Those of them that had been read before.
        texts: The answers.
    """

    seconds: float
    processor: float
    read: tuple[float, ...]
    cached: tuple[float, ...]
    texts: tuple[str, ...]


def counted(server: RunningServer) -> tuple[float, float]:
    """Return the prompt tokens that a server searched in its cache, and those that it found."""
    with _DIRECTLY.open(f"{server.url}/metrics", timeout=60) as page:
        lines = page.read().decode().splitlines()
    text = {line.partition("{")[0]: float(line.split()[-1]) for line in lines if line.startswith((QUERIES, HITS))}
    return text[QUERIES], text[HITS]


def spent(server: RunningServer) -> float:
    """Return the processor seconds of a server's processes."""
    ticks = 0
    for pid in group(server.pid):
        with suppress(OSError):  # it has just ended
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])  # in user mode, and in the kernel
    return ticks / os.sysconf("SC_CLK_TCK")


def forget(server: RunningServer) -> None:
    """Clear a server's prefix cache."""
    with _DIRECTLY.open(urllib.request.Request(f"{server.url}/reset_prefix_cache", method="POST"), timeout=60):  # noqa: S310
        pass


def measure(servers: Sequence[RunningServer], backend: VllmServer, batches: Sequence[Sequence[Request]]) -> Round:
    """Send all requests once, with empty caches."""
    for server in servers:
        forget(server)
    before, worked = [counted(server) for server in servers], sum(map(spent, servers))
    start = time.perf_counter()
    texts = tuple(answer.text for batch in batches for answer in backend.complete(batch))
    seconds, worked = time.perf_counter() - start, sum(map(spent, servers)) - worked
    after = [counted(server) for server in servers]
    read, cached = (tuple(then[kind] - now[kind] for now, then in zip(before, after, strict=True)) for kind in range(2))
    return Round(seconds, worked, read, cached, texts)


def rounds(
    servers: Sequence[RunningServer], backend: VllmServer, batches: Sequence[Sequence[Request]], number: int
) -> dict[str, list[Round]]:
    """Send all requests both ways in turn, after one round that does not count."""
    measure(servers, backend, batches)
    measured: dict[str, list[Round]] = {way: [] for way in WAYS}
    for turn in range(number):
        for way in [*measured][:: 1 if turn % 2 else -1]:
            with WAYS[way]():
                measured[way].append(measure(servers, backend, batches))
    return measured


def rows(name: str, requests: int, measured: dict[str, list[Round]]) -> list[list[object]]:
    """Return one row for each way."""
    middle = {way: statistics.median(one.seconds for one in some) for way, some in measured.items()}
    lines: list[list[object]] = []
    for way, some in measured.items():
        speeds = sorted(requests / one.seconds for one in some)
        cached = statistics.median(sum(one.cached) / sum(one.read) for one in some)
        apart = statistics.median(max(one.read) / sum(one.read) for one in some)
        processor = 1e3 * statistics.median(one.processor for one in some) / requests
        ratio = middle["by load"] / middle[way]
        lines.append([name, way, requests / middle[way], speeds[0], speeds[-1], ratio, processor, cached, apart])
    return lines


@contextmanager
def some_servers(number: int, options: ServerOptions) -> Iterator[list[RunningServer]]:
    """Run some servers, each on its part of the cores."""
    cores = sorted(os.sched_getaffinity(0))
    with ExitStack() as stack:
        servers = []
        for place in range(number):
            mine = cores[place::number] or [cores[place % len(cores)]]
            bound = {"VLLM_SERVER_DEV_MODE": "1", "VLLM_CPU_OMP_THREADS_BIND": ",".join(map(str, mine))}
            with patch.dict(os.environ, bound):  # the former lets caches be emptied
                servers.append(stack.enter_context(running_server(options)))
        yield servers


def main() -> None:
    """Read the command line, measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.prefix_routing", description=__doc__)
    parser.add_argument("--runs", type=int, default=4, help="runs of an experiment")
    parser.add_argument("--rounds", type=int, default=5, help="rounds that count, of each way")
    parser.add_argument("--servers", type=int, default=2, help="servers of the model")
    parser.add_argument("--concurrency", type=int, default=16, help="requests in flight at each server")
    parser.add_argument("--tokens", type=int, default=8, help="most tokens in an answer")
    parser.add_argument("--vllm-python", default=vllm_python(), help="Python that has vLLM")
    parser.add_argument("--width", type=int, default=256, help="width of the model that is made")
    parser.add_argument("--layers", type=int, default=4, help="layers of the model that is made")
    parser.add_argument("--block", type=int, default=32, help="tokens that are cached together")
    parser.add_argument("--experiments", nargs="+", choices=EXPERIMENTS, default=[*EXPERIMENTS], help="what is asked")
    arguments = parser.parse_args()
    lines, notes = [], []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        checkpoint = make_tiny(folder / "model", arguments.width, arguments.layers)
        options = ServerOptions(
            str(checkpoint),
            max_model_len=8_192,
            max_num_seqs=64,
            api_key="benchmark",
            python=arguments.vllm_python,
            extra=("--block-size", str(arguments.block)),
        )
        servers = stack.enter_context(some_servers(arguments.servers, options))
        settings = LmSettings(
            urls=tuple(server.url for server in servers),
            api_key=options.api_key,
            concurrency=arguments.concurrency,
            timeout=600.0,
        )
        for name in arguments.experiments:
            batches = [
                [shortened(one, arguments.tokens) for one in batch] for batch in EXPERIMENTS[name](arguments.runs)
            ]
            requests = sum(map(len, batches))
            with closing(VllmServer(settings)) as backend:
                measured = rounds(servers, backend, batches, arguments.rounds)
                retried = ", ".join(f"{what} {times}" for what, times in backend.service().items())
            lines += rows(name, requests, measured)
            texts = {one.texts for some in measured.values() for one in some}
            tokens = sum(measured["by load"][0].read) / requests
            notes.append(
                f"{name}: {requests} requests in {len(batches)} batches, {tokens:.0f} tokens of prompt each; "
                f"{len(texts)} sets of answers in all rounds; {retried or 'no request was repeated'}"
            )
    headers = ("experiment", "asked", "requests/s", "slowest", "fastest", "ratio", "CPU ms", "cached", "busiest's part")
    table = tabulate(lines, headers=headers, floatfmt=("", "", ".1f", ".1f", ".1f", ".3f", ".2f", ".3f", ".3f"))
    weights = f"{arguments.layers} layers of width {arguments.width}"
    setup = (
        f"{arguments.servers} servers, {arguments.concurrency} requests in flight at each, {arguments.tokens} tokens "
        f"an answer, {weights}, blocks of {arguments.block} tokens, median of {arguments.rounds} rounds"
    )
    sys.stdout.write("\n".join([table, *notes, setup, machine(), ""]))


def shortened(request: Request, tokens: int) -> Request:
    """Return a request whose answer ends early."""
    return replace(request, sampling=replace(request.sampling, max_tokens=tokens))


if __name__ == "__main__":
    main()
