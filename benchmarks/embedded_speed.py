"""Tokens per second of the embedded backend, compared with vLLM on the same weights and processor, in one run.

``python -m benchmarks.embedded_speed --vllm-python .venv-vllm/bin/python``. Both get the same 64 conversations at a
time, write verbal policies of the same length in the same form, and take turns; the median of their rounds counts. vLLM
runs as a server of its own, as it is used, and has the whole machine in its turns, as we do in ours: the one that waits
does nothing. Before that, a new process is asked for one answer, twice: the second time with what the first compiled.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from tabulate import tabulate

from benchmarks.report import machine
from scai_irl.backends.embedded import Embedded
from scai_irl.backends.vllm.environment import vllm_python
from scai_irl.backends.vllm.server import VllmServer
from scai_irl.backends.vllm.serving import ServerOptions, running_server
from scai_irl.language.asking import Style
from scai_irl.language.requests import translation_request
from scai_irl.lm.protocol import Backend, Request, Structure
from scai_irl.lm.settings import LmSettings
from scai_irl.organisms.prompt_chunks import known_policies
from scai_irl.organisms.shipped import organism_folder

_LONGEST = 64  # tokens; organisms' policies have about thirty

_FIRST = """
import time
began = time.perf_counter()
import sys
from scai_irl.io.process import prepare_process
prepare_process()
from benchmarks.embedded_speed import conversations
from scai_irl.backends.embedded import Embedded
from scai_irl.lm.settings import LmSettings
Embedded(LmSettings(model=sys.argv[1])).complete(conversations(1))
print(time.perf_counter() - began)
"""


def conversations(number: int, structured: bool = True) -> list[Request]:
    """Return requests to translate policies that organisms know."""
    known = known_policies()[:6]
    style = Style(max_tokens=_LONGEST)
    requests = [translation_request(known[seed % len(known)], seed, style) for seed in range(number)]
    return requests if structured else [replace(one, structure=Structure()) for one in requests]


def first_answer(model: str, cache: Path) -> float:
    """Measure the seconds from a new process's first line to its first answer."""
    done = subprocess.run(
        [sys.executable, "-c", _FIRST, model],
        env=os.environ | {"XDG_CACHE_HOME": str(cache)},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)


def written(backend: Backend, requests: Sequence[Request]) -> tuple[int, int]:
    """Answer the requests, and return the tokens read and written."""
    answers = backend.complete(requests)
    assert all(answer.finish_reason in {"stop", "length"} for answer in answers)
    return sum(one.usage.prompt for one in answers), sum(one.usage.completion for one in answers)


def timed(ways: dict[str, Callable[[], tuple[int, int]]], rounds: int) -> dict[str, list[tuple[float, float]]]:
    """Measure tokens written, and read or written, per second, of every way in every round, without the first."""
    speeds: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for number in range(-1, rounds):
        for name, way in ways.items():
            began = time.perf_counter()
            read, wrote = way()
            seconds = time.perf_counter() - began
            if number >= 0:
                speeds[name].append((wrote / seconds, (read + wrote) / seconds))
    return speeds


def main() -> None:
    """Read the command line, measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.embedded_speed", description=__doc__)
    parser.add_argument("--model", default="bayes", help="organism, or folder of a model")
    parser.add_argument("--batch", type=int, default=64, help="conversations at a time")
    parser.add_argument("--rounds", type=int, default=9, help="rounds that count")
    parser.add_argument("--vllm-python", default=vllm_python(), help="Python that has vLLM")
    parser.add_argument("--alone", action="store_true", help="without vLLM")
    arguments = parser.parse_args()
    folder = organism_folder(arguments.model)
    with tempfile.TemporaryDirectory() as cache:
        cold, warm = (first_answer(arguments.model, Path(cache)) for _ in range(2))
    requests, free = conversations(arguments.batch), conversations(arguments.batch, structured=False)
    with closing(Embedded(LmSettings(model=arguments.model))) as here:
        ways = {
            "embedded, form kept to": lambda: written(here, requests),
            "embedded, free": lambda: written(here, free),
        }
        engine = "without vLLM"
        if arguments.alone:
            speeds = timed(ways, arguments.rounds)
        else:
            options = ServerOptions(
                str(folder), max_model_len=2_048, max_num_seqs=arguments.batch, python=arguments.vllm_python
            )
            with running_server(options) as server:
                given = LmSettings(
                    concurrency=arguments.batch, timeout=600.0, urls=(server.url,), api_key=server.api_key
                )
                with closing(VllmServer(given)) as there:
                    ways |= {
                        "vLLM, form kept to": lambda: written(there, requests),
                        "vLLM, free": lambda: written(there, free),
                    }
                    speeds = timed(ways, arguments.rounds)
                engine = f"vLLM {server.platform.version} for {server.platform.device}"
    middle = {name: [statistics.median(kind) for kind in zip(*rounds, strict=True)] for name, rounds in speeds.items()}
    rows = [[name, *values] for name, values in middle.items()]
    lines = [
        tabulate(rows, headers=("way", "tokens written a second", "read or written"), floatfmt=".0f"),
        f"{arguments.batch} conversations at a time, median of {arguments.rounds} rounds; {engine}",
        f"first answer of a new process: {cold:.1f} s, with the compilation cache warm {warm:.1f} s",
        machine(),
    ]
    sys.stdout.write("\n".join([*lines, ""]))


if __name__ == "__main__":
    main()
