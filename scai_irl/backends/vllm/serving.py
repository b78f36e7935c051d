"""A vLLM server on this machine, started and stopped as a context manager.

The server is a process of its own, with its own environment if need be, reached over vLLM's OpenAI-compatible API. It
listens to this machine alone unless it is told otherwise, and wants a key. That key protects less than one might think:
vLLM asks for it below ``/v1`` only, and ``/invocations``, which generates text as well, is open to whoever reaches
the port. So a server for other machines belongs into a network in which everybody may use it.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from http.client import HTTPException
from pathlib import Path

from scai_irl.backends.vllm.environment import Platform, find_platform
from scai_irl.backends.vllm.guard import STOP_SECONDS, guarded
from scai_irl.backends.vllm.server_log import cause_of_death, last_line
from scai_irl.backends.vllm.server_options import (
    ServerOptions,
    check_options,
    is_batch_invariant,
    server_command,
    server_environment,
)
from scai_irl.io.errors import InputError

__all__ = ["OnWait", "RunningServer", "ServerOptions", "running_server", "server_command", "server_environment"]

_SECONDS_BETWEEN_LOOKS = 0.25
_STOP_SECONDS_AT_START = 3.0  # vLLM does not listen until the model is loaded, and has nothing to lose before
# A proxy of the environment must not stand between two processes of one machine.
_DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))

OnWait = Callable[[float, str], None]
"""Called while a server starts, with the seconds since and the last line of its log."""


@dataclass(frozen=True)
class RunningServer:
    """A server that is ready.

    Attributes:
        url: Where it is, without a path.
        api_key: Key that requests must have.
        model: Name that requests call the model by.
        platform: What it computes on.
        batch_invariant: Whether an answer is independent of what else is computed at the same time.
        log: File with what it says.
    """

    url: str
    api_key: str = field(repr=False)
    model: str
    platform: Platform
    batch_invariant: bool
    log: Path
    _process: subprocess.Popen[bytes] = field(repr=False)
    _since: int = field(repr=False)

    @property
    def base_url(self) -> str:
        """Where clients of OpenAI's API find it."""
        return f"{self.url}/v1"

    @property
    def pid(self) -> int:
        """Number of its process, and of the group of its processes."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Return whether it still runs."""
        return self._process.poll() is None

    def check(self) -> None:
        """Check that the server still runs.

        Raises:
            InputError: If it does not, with what its log says of it.
        """
        if not self.alive:
            raise _died(self._process, self.log, self._since, "while it was serving")


@contextmanager
def running_server(
    options: ServerOptions, *, wait_seconds: float = 600.0, log: Path | None = None, on_wait: OnWait | None = None
) -> Iterator[RunningServer]:
    """Run a vLLM server as long as the block lasts.

    It is stopped with all its processes when the block is left, however that happens: even if this process is killed.

    Args:
        options: How to serve.
        wait_seconds: Longest time it may take to start.
        log: File that gets what the server says, at its end; without it one that is kept only if an error refers to it.
        on_wait: Called about four times a second while it starts.

    Yields:
        The server, ready.

    Raises:
        InputError: If an option cannot be used, vLLM is not there, or the server ends or does not become ready.
    """
    check_options(options)
    platform = find_platform(options.python)
    key = options.api_key or secrets.token_urlsafe(32)
    options = replace(options, api_key=key, port=_free_port(options))
    command, variables = server_command(options, platform), server_environment(options, platform)
    with _log_file(log) as path, guarded() as watch, path.open("ab") as output:
        since = output.tell()
        process = subprocess.Popen(  # noqa: S603 - words of our own making, and no shell
            command,
            env=os.environ | _path_with(options.python) | variables,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        watch(process, _STOP_SECONDS_AT_START)
        url = _url(options)
        _wait_until_ready(process, url, path, since, wait_seconds, on_wait)
        watch(process, STOP_SECONDS)
        invariant = is_batch_invariant(options, platform)
        yield RunningServer(url, key, options.served_name, platform, invariant, path, process, since)


def _free_port(options: ServerOptions) -> int:
    """Check that the port can be had, or find one."""
    try:
        family, _, _, _, address = socket.getaddrinfo(options.host, options.port, type=socket.SOCK_STREAM)[0]
        with closing(socket.socket(family, socket.SOCK_STREAM)) as attempt:
            attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # one just left is free, as it is for vLLM
            attempt.bind(address)
            return int(attempt.getsockname()[1])
    except socket.gaierror as problem:
        raise InputError("host", f"{options.host} is no address ({problem.strerror})", "listen at 127.0.0.1") from None
    except OSError as problem:
        if problem.errno == errno.EADDRNOTAVAIL:
            raise InputError("host", f"this machine does not have {options.host}", "listen at 127.0.0.1") from None
        in_use = problem.errno == errno.EADDRINUSE
        reason = f"{options.port} is in use" if in_use else f"{options.port} cannot be had ({problem.strerror})"
        raise InputError("port", reason, "give another, or 0 for a free one") from None


def _url(options: ServerOptions) -> str:
    """Where this machine finds the server; one that listens everywhere listens here, too."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(options.host, options.host)  # noqa: S104 - compared, not bound
    return f"http://[{host}]:{options.port}" if ":" in host else f"http://{host}:{options.port}"


def _path_with(python: str) -> dict[str, str]:
    """Have vLLM find the programs of its own environment, such as those it compiles with."""
    programs = str(Path(shutil.which(python) or python).absolute().parent)
    return {"PATH": os.pathsep.join([programs, os.environ.get("PATH", os.defpath)])}


@contextmanager
def _log_file(log: Path | None) -> Iterator[Path]:
    """Make the log; one that nobody asked for goes at the end, unless an error refers to it."""
    if log is None:
        handle, name = tempfile.mkstemp(prefix="scai-irl-vllm-", suffix=".log")
        os.close(handle)
        try:
            yield Path(name)
        except InputError:
            raise
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        Path(name).unlink(missing_ok=True)
        return
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.open("ab").close()
    except OSError as problem:
        raise InputError("log", f"{log} cannot be written ({problem.strerror})", "name another file") from problem
    yield log


def _wait_until_ready(
    process: subprocess.Popen[bytes], url: str, log: Path, since: int, seconds: float, on_wait: OnWait | None
) -> None:
    started = time.monotonic()
    while not _is_healthy(url):
        waited = time.monotonic() - started
        if process.poll() is not None:
            raise _died(process, log, since, "before it was ready")
        if waited > seconds:
            said = last_line(log, since) or "nothing"
            problem = f"the server was not ready after {seconds:.0f} seconds; it said: {said}"
            raise InputError("vllm", problem, f"wait longer, or see {log}")
        if on_wait is not None:
            on_wait(waited, last_line(log, since))
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    # Somebody else may have taken the port a moment before.
    if process.poll() is not None:
        raise _died(process, log, since, "before it was ready")


def _is_healthy(url: str) -> bool:
    try:
        with _DIRECTLY.open(f"{url}/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except (OSError, HTTPException):  # nobody there yet, or not ready, too slow, or another kind of server
        return False


def _died(process: subprocess.Popen[bytes], log: Path, since: int, when: str) -> InputError:
    said = cause_of_death(log, since)
    return InputError("vllm", f"the server ended {when} (exit code {process.returncode}): {said}", f"see {log}")
