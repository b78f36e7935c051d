"""``scai-irl serve``: a vLLM server for experiments, until Ctrl-C."""

from __future__ import annotations

import os
import platform
import shlex
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Annotated

from tyro.conf import Positional, arg

from scai_irl.backends.vllm.environment import VARIABLE, vllm_python
from scai_irl.backends.vllm.serving import RunningServer, ServerOptions, running_server
from scai_irl.io.errors import InputError, printable
from scai_irl.organisms.shipped import shipped

KEY_VARIABLE = "SCAI_IRL_API_KEY"
"""Environment variable with the key of a server."""

_SECONDS_BETWEEN_LINES = 5.0
_SECONDS_BETWEEN_LOOKS = 0.5
_LONGEST = 90
_INTERRUPTED = 130


@dataclass
class Serve:
    """Options of ``scai-irl serve``."""

    model: Annotated[
        Positional[str],
        arg(help="Folder of a checkpoint, a model organism such as bayes, or a name on the Hugging Face hub."),
    ]
    name: Annotated[str | None, arg(help="Name in requests; the model's own if not given.")] = None
    host: Annotated[str, arg(help="Address to listen at.")] = "127.0.0.1"
    port: Annotated[int, arg(help="Port to listen at; 0 for a free one.")] = 8000
    public: Annotated[
        bool, arg(help="Listen at an address that other machines reach; all of them can then use the server.")
    ] = False
    key_file: Annotated[
        Path | None,
        arg(help=f"File for a new key, readable by you alone; not needed if {KEY_VARIABLE} holds a key."),
    ] = None
    dtype: Annotated[str, arg(help="Number format; the checkpoint's if auto.")] = "auto"
    max_model_len: Annotated[int | None, arg(help="Maximum tokens of a prompt and its answer.")] = None
    tensor_parallel: Annotated[int, arg(help="GPUs that share one copy of the model.")] = 1
    data_parallel: Annotated[int, arg(help="Copies of the model that share the requests.")] = 1
    gpu_memory: Annotated[float, arg(help="Share of a GPU's memory to use.")] = 0.9
    cpu_cache: Annotated[int, arg(help="GiB for keys and values on a machine without GPU.")] = 1
    max_num_seqs: Annotated[int | None, arg(help="Maximum requests computed together.")] = None
    batch_invariant: Annotated[
        bool | None,
        arg(help="Make answers independent of other requests in the batch; on if the GPU supports it."),
    ] = None
    extra: Annotated[tuple[str, ...], arg(help="Further arguments of vLLM, as --extra=--seed=1.")] = ()
    python: Annotated[str | None, arg(help=f"Python that has vLLM; the one in {VARIABLE}, or this one.")] = None
    wait_seconds: Annotated[float, arg(help="Maximum seconds for the start.")] = 1_800.0
    log: Annotated[Path | None, arg(help="File for the output of vLLM; kept only after failures if not given.")] = None

    def options(self) -> ServerOptions:
        """Options of the server, with the key of the environment."""
        return ServerOptions(
            model=str(shipped().get(self.model, self.model)),
            name=self.name,
            host=self.host,
            port=self.port,
            public=self.public,
            api_key=os.environ.get(KEY_VARIABLE) or None,
            dtype=self.dtype,
            max_model_len=self.max_model_len,
            tensor_parallel=self.tensor_parallel,
            data_parallel=self.data_parallel,
            gpu_memory=self.gpu_memory,
            cpu_cache=self.cpu_cache,
            max_num_seqs=self.max_num_seqs,
            batch_invariant=self.batch_invariant,
            extra=self.extra,
            python=self.python or vllm_python(),
        )


def serve(command: Serve) -> None:
    """Serve until Ctrl-C or SIGTERM, and stop cleanly.

    Raises:
        InputError: If the server cannot be started, or dies.
        SystemExit: If it was stopped before it was ready, with code 130.
    """
    ready = False
    with _terminated_as_interrupted():
        try:
            running = running_server(
                command.options(), wait_seconds=command.wait_seconds, log=command.log, on_wait=_progress()
            )
            with running as server, ExitStack() as leftovers:
                _tell(server, command, leftovers)
                ready = True
                while True:
                    server.check()
                    time.sleep(_SECONDS_BETWEEN_LOOKS)
        except KeyboardInterrupt:
            print("stopped", file=sys.stderr, flush=True)
            if not ready:
                raise SystemExit(_INTERRUPTED) from None


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """Treat SIGTERM like Ctrl-C, and enable Ctrl-C even if a shell disabled it, so every block exits in order."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {how: signal.signal(how, interrupt) for how in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for how, handler in before.items():
            signal.signal(how, handler)


def _progress() -> Callable[[float, str], None]:
    last_line = 0.0

    def tell(waited: float, output: str) -> None:
        nonlocal last_line
        if waited - last_line >= _SECONDS_BETWEEN_LINES:
            last_line = waited
            what = f": {printable(output[:_LONGEST])}" if output else ""
            print(f"starting vLLM{what} ({waited:.0f} s)", file=sys.stderr, flush=True)

    return tell


def _tell(server: RunningServer, command: Serve, leftovers: ExitStack) -> None:
    """Print the address of the server and the location of its key."""
    print(f"url    {server.base_url}")
    if command.public:
        print(f"       other machines: http://{socket.gethostname()}:{_port(server)}/v1; some of its pages need no key")
    print(f"model  {server.model}")
    if os.environ.get(KEY_VARIABLE):
        print(f"key    in {KEY_VARIABLE}")
    else:
        file = command.key_file or _own_key_file(server)
        _write_key(file, server.api_key)
        leftovers.callback(file.unlink, missing_ok=True)
        print(f"key    export {KEY_VARIABLE}=$(cat {shlex.quote(str(file))})")
    print("Ctrl-C stops the server", flush=True)


def _own_key_file(server: RunningServer) -> Path:
    caches = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    file = caches / "scai-irl" / f"key-{platform.node()}-{_port(server)}"  # home folders may be shared between machines
    file.unlink(missing_ok=True)  # left by a server that was killed
    return file


def _port(server: RunningServer) -> str:
    return server.url.rpartition(":")[2]


def _write_key(file: Path, key: str) -> None:
    """Write the key to a new file that only the user can read."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as opened:
            opened.write(f"{key}\n")
    except OSError as problem:
        hint = f"name another file with --key-file, or put a key into {KEY_VARIABLE}"
        raise InputError("key-file", f"{file} cannot be written ({problem.strerror})", hint) from problem


OPTIONS, execute = Serve, serve
