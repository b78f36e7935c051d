"""A vLLM server on this machine, started and stopped by a context manager.

The server is a separate process, with its own environment if necessary, and offers vLLM's OpenAI-compatible API. By
default it listens only to this machine and requires a key. The key gives limited protection: vLLM checks it only below
``/v1``, and ``/invocations``, which also generates text, is open to anyone who reaches the port. So a server for other
machines belongs in a network whose users may all use it.
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
_STOP_SECONDS_AT_START = 3.0  # vLLM does not listen until the model is loaded, so it can be killed before
# A proxy of the environment must not stand between two processes of one machine.
_DIRECTLY = urllib.request.build_opener(urllib.request.ProxyHandler({}))

OnWait = Callable[[float, str], None]
"""Function called while a server starts, with the seconds since its start and the last line of its log."""


@dataclass(frozen=True)
class RunningServer:
    """A server that is ready.

    Attributes:
        url: Address, without a path.
        api_key: Key that requests must have.
        model: Name of the model in requests.
        platform: Platform of vLLM.
        batch_invariant: Whether an answer is independent of the batch that it is computed in.
        log: Log file.
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
        """Return the address for clients of OpenAI's API."""
        return f"{self.url}/v1"

    @property
    def pid(self) -> int:
        """Return the number of its process, which is also that of its process group."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Return whether the server still runs."""
        return self._process.poll() is None

    def check(self) -> None:
        """Check that the server still runs.

        Raises:
            InputError: If it does not, with the cause from its log.
        """
        if not self.alive:
            raise _died(self._process, self.log, self._since, "while it was serving")


@contextmanager
def running_server(
    options: ServerOptions, *, wait_seconds: float = 600.0, log: Path | None = None, on_wait: OnWait | None = None
) -> Iterator[RunningServer]:
    """Run a vLLM server during the block.

    The server and its child processes end with the block, even if this process is killed.

    Args:
        options: Options of the server.
        wait_seconds: Longest time to wait for its start.
        log: Log file, to which the server's output is appended; by default a temporary file, which is kept only if an
            error refers to it.
        on_wait: Called about four times a second while the server starts.

    Yields:
        The server, ready.

    Raises:
        InputError: If an option is wrong, vLLM is not installed, or the server ends or does not become ready.
    """
    check_options(options)
    platform = find_platform(options.python)
    key = options.api_key or secrets.token_urlsafe(32)
    options = replace(options, api_key=key, port=_free_port(options))
    command, variables = server_command(options, platform), server_environment(options, platform)
    with _log_file(log) as path, guarded() as watch, path.open("ab") as output:
        since = output.tell()
        process = subprocess.Popen(  # noqa: S603 - the command is built here, without a shell
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
    """Return the port after a check that it is free, or a free port for port 0."""
    try:
        family, _, _, _, address = socket.getaddrinfo(options.host, options.port, type=socket.SOCK_STREAM)[0]
        with closing(socket.socket(family, socket.SOCK_STREAM)) as attempt:
            attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # TIME_WAIT counts as free
            attempt.bind(address)
            return int(attempt.getsockname()[1])
    except socket.gaierror as problem:
        raise InputError(
            "host", f"{options.host} is not an address ({problem.strerror})", "listen at 127.0.0.1"
        ) from None
    except OSError as problem:
        if problem.errno == errno.EADDRNOTAVAIL:
            raise InputError("host", f"this machine does not have {options.host}", "listen at 127.0.0.1") from None
        in_use = problem.errno == errno.EADDRINUSE
        reason = f"{options.port} is in use" if in_use else f"{options.port} cannot be used ({problem.strerror})"
        raise InputError("port", reason, "give another, or 0 for a free one") from None


def _url(options: ServerOptions) -> str:
    """Return the server's address on this machine; a server that listens everywhere listens at 127.0.0.1, too."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(options.host, options.host)  # noqa: S104 - compared, not bound
    return f"http://[{host}]:{options.port}" if ":" in host else f"http://{host}:{options.port}"


def _path_with(python: str) -> dict[str, str]:
    """Return a search path with the programs of vLLM's environment, such as its compilers."""
    programs = str(Path(shutil.which(python) or python).absolute().parent)
    return {"PATH": os.pathsep.join([programs, os.environ.get("PATH", os.defpath)])}


@contextmanager
def _log_file(log: Path | None) -> Iterator[Path]:
    """Yield the log file; a temporary one is deleted afterwards, unless an error refers to it."""
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
            message = last_line(log, since) or "nothing"
            problem = f"the server was not ready after {seconds:.0f} seconds; it said: {message}"
            raise InputError("vllm", problem, f"wait longer, or see {log}")
        if on_wait is not None:
            on_wait(waited, last_line(log, since))
        time.sleep(_SECONDS_BETWEEN_LOOKS)
    # Another process may have taken the port in the meantime.
    if process.poll() is not None:
        raise _died(process, log, since, "before it was ready")


def _is_healthy(url: str) -> bool:
    try:
        with _DIRECTLY.open(f"{url}/health", timeout=5) as answer:
            return bool(answer.status == 200)
    except (OSError, HTTPException):  # no server yet, or not ready, too slow, or another kind of server
        return False


def _died(process: subprocess.Popen[bytes], log: Path, since: int, when: str) -> InputError:
    message = cause_of_death(log, since)
    return InputError("vllm", f"the server ended {when} (exit code {process.returncode}): {message}", f"see {log}")
