"""Starting and stopping a server, with a program in place of vLLM."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from scai_irl.backends.vllm.environment import VARIABLE, Platform, find_platform, vllm_python
from scai_irl.backends.vllm.server_log import cause_of_death, last_line
from scai_irl.backends.vllm.server_options import check_options, is_loopback
from scai_irl.backends.vllm.serving import ServerOptions, running_server, server_command, server_environment
from scai_irl.cli.serve import KEY_VARIABLE, Serve, serve
from scai_irl.io.errors import InputError

CPU = Platform("0.32.0", "cpu")
HOPPER = Platform("0.32.0", "cuda", ((9, 0), (9, 0)))
TURING = Platform("0.32.0", "cuda", ((7, 5),))
PATIENCE = 60.0


@pytest.fixture
def python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A Python with a fake vLLM."""
    program = tmp_path / "bin" / "python"
    program.parent.mkdir()
    text = Path(__file__).with_name("fake_vllm.py").read_text(encoding="utf-8")
    program.write_text(f"#!{sys.executable} -IS\n{text}", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("FAKE_STARTED", str(tmp_path / "started"))
    monkeypatch.setenv("FAKE_CHILD", str(tmp_path / "child"))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")  # there is no server, and none may be asked
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    return str(program)


@pytest.fixture
def options(python: str) -> ServerOptions:
    return ServerOptions("someone/tiny", python=python)


def wait_for(event: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not event():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)


def is_there(pid: int) -> bool:
    """Whether a process has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def child_with(words: str, parent: int) -> int:
    """Find the child process whose command contains some words."""
    children = Path(f"/proc/{parent}/task").glob("*/children")
    pids = [int(pid) for file in children for pid in file.read_text().split()]
    return next(pid for pid in pids if words.encode() in Path(f"/proc/{pid}/cmdline").read_bytes())


def after(words: list[str], word: str) -> str:
    return words[words.index(word) + 1]


def test_the_command_holds_what_was_asked_for() -> None:
    options = ServerOptions(
        "Qwen/Qwen3-8B", name="qwen", port=8001, max_model_len=4096, max_num_seqs=8, tensor_parallel=2
    )
    words = server_command(dataclasses.replace(options, extra=("--seed", "3"), python="/venv/bin/python"), HOPPER)
    assert words[:3] == ["/venv/bin/python", "-m", "vllm.entrypoints.openai.api_server"]
    assert words[-2:] == ["--seed", "3"]
    expected = {
        "--model": "Qwen/Qwen3-8B",
        "--served-model-name": "qwen",
        "--host": "127.0.0.1",
        "--port": "8001",
        "--dtype": "auto",
        "--max-model-len": "4096",
        "--max-num-seqs": "8",
        "--tensor-parallel-size": "2",
        "--data-parallel-size": "1",
        "--gpu-memory-utilization": "0.9",
        "--generation-config": "vllm",
    }
    assert {word: after(words, word) for word in expected} == expected
    assert json.loads(after(words, "--structured-outputs-config"))["disable_any_whitespace"] is True
    assert {"--enable-prefix-caching", "--no-enable-log-requests"} <= set(words)
    assert not {"--enforce-eager", "--no-enable-chunked-prefill"} & set(words)


def test_without_a_gpu_it_computes_in_float32_and_eagerly() -> None:
    words = server_command(ServerOptions("Qwen/Qwen3-8B"), CPU)
    assert after(words, "--dtype") == "float32"
    assert {"--enforce-eager", "--no-enable-chunked-prefill"} <= set(words)
    assert "--gpu-memory-utilization" not in words
    assert "--max-model-len" not in words
    assert after(server_command(ServerOptions("m", dtype="bfloat16"), CPU), "--dtype") == "bfloat16"
    assert server_environment(ServerOptions("m", cpu_cache=2), CPU)["VLLM_CPU_KVCACHE_SPACE"] == "2"
    assert "VLLM_CPU_KVCACHE_SPACE" not in server_environment(ServerOptions("m"), HOPPER)


def test_a_folder_is_served_by_its_last_name_and_without_the_hub(tmp_path: Path) -> None:
    options = ServerOptions(str(tmp_path))
    assert after(server_command(options, CPU), "--served-model-name") == tmp_path.name
    assert server_environment(options, CPU)["HF_HUB_OFFLINE"] == "1"
    assert "HF_HUB_OFFLINE" not in server_environment(ServerOptions("Qwen/Qwen3-8B"), CPU)


def test_the_key_goes_by_the_environment_alone() -> None:
    options = ServerOptions("m", api_key="secret")
    assert server_environment(options, CPU)["VLLM_API_KEY"] == "secret"
    assert not any("secret" in word for word in server_command(options, CPU))
    assert "secret" not in repr(options)


@pytest.mark.parametrize(
    ("batch_invariant", "platform", "expected"),
    [(None, HOPPER, "1"), (None, TURING, "0"), (None, CPU, "0"), (True, CPU, "1"), (False, HOPPER, "0")],
)
def test_answers_are_batch_invariant_where_the_gpus_can_or_as_asked(
    batch_invariant: bool | None, platform: Platform, expected: str
) -> None:
    environment = server_environment(ServerOptions("m", batch_invariant=batch_invariant), platform)
    assert environment["VLLM_BATCH_INVARIANT"] == expected


def test_the_python_is_that_of_the_environment_or_this_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert vllm_python() == sys.executable
    monkeypatch.setenv(VARIABLE, "/venv/bin/python")
    assert ServerOptions("m").python == "/venv/bin/python"


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_loopback_addresses_are_taken(host: str) -> None:
    assert is_loopback(host)
    check_options(ServerOptions("m", host=host))


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.1", "example.org", ""])  # noqa: S104 - refused
def test_addresses_that_others_reach_are_refused_unless_public(host: str) -> None:
    with pytest.raises(InputError, match=r"^host: other machines reach .*; .*--public"):
        check_options(ServerOptions("m", host=host))
    check_options(ServerOptions("m", host=host, public=True))


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"model": "./nowhere"}, "model"),
        ({"model": "/nowhere/at/all"}, "model"),
        ({"model": "--config=evil"}, "model"),
        ({"model": ""}, "model"),
        ({"port": -1}, "port"),
        ({"port": 65_536}, "port"),
        ({"api_key": " "}, "api key"),
        ({"gpu_memory": 0.0}, "gpu-memory"),
        ({"gpu_memory": 90.0}, "gpu-memory"),
        ({"tensor_parallel": 0}, "tensor-parallel"),
        ({"max_model_len": 0}, "max-model-len"),
        ({"extra": ("--host=0.0.0.0",)}, "extra"),
        ({"extra": ("--api-key", "x")}, "extra"),
    ],
)
def test_options_that_cannot_be_used_are_refused(wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(InputError) as error:
        check_options(ServerOptions(**({"model": "m"} | wrong)))
    assert error.value.field == field


def test_a_python_without_vllm_is_reported_with_a_hint(python: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_VLLM", "no vllm")
    with pytest.raises(InputError, match=rf"^vllm: it is not installed .*pip install 'scai-irl\[vllm\]'.*{VARIABLE}"):
        find_platform(python)


def test_a_vllm_that_is_broken_or_old_is_reported(python: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKE_VERSION", "0.11.2")
    with pytest.raises(InputError, match=r"^vllm: 0\.11\.2 is installed .*0\.32 or later"):
        find_platform(python)
    monkeypatch.setenv("FAKE_VLLM", "broken")
    with pytest.raises(InputError, match=r"^vllm: it cannot be imported; it said: ImportError: libcudart"):
        find_platform(python)


def test_a_python_that_is_not_there_is_reported(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^python: .*nothing cannot be run \(No such file"):
        find_platform(str(tmp_path / "nothing"))


def test_a_server_is_ready_in_the_block_and_gone_after_it(options: ServerOptions, tmp_path: Path) -> None:
    log = tmp_path / "logs" / "log"
    with running_server(options, log=log) as server:
        assert server.alive
        server.check()
        started = json.loads((tmp_path / "started").read_text())
        assert server.url == f"http://127.0.0.1:{after(started['words'], '--port')}"
        assert server.base_url == f"{server.url}/v1"
        assert (server.model, server.platform, server.batch_invariant) == ("someone/tiny", CPU, False)
        assert started["environment"]["VLLM_API_KEY"] == server.api_key
        assert started["environment"]["PATH"].startswith(f"{tmp_path / 'bin'}{os.pathsep}")
        assert len(server.api_key) > 30
        assert server.api_key not in " ".join(started["words"]) + repr(server) + log.read_text()
        assert os.getpgid(server.pid) == server.pid != os.getpgid(0)
    assert not server.alive
    assert not is_there(server.pid)
    assert "Resolved architecture" in log.read_text()


def test_keys_differ(options: ServerOptions) -> None:
    with running_server(options) as one:
        pass
    with running_server(options) as other:
        pass
    assert one.api_key != other.api_key


def test_a_log_of_its_own_is_kept_only_if_something_went_wrong(
    options: ServerOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running_server(options) as server:
        assert server.log.exists()
        assert server.log.stat().st_mode & 0o777 == 0o600
    assert not server.log.exists()
    monkeypatch.setenv("FAKE_VLLM", "die")
    with pytest.raises(InputError, match="no room") as error, running_server(options):
        pass
    log = Path(error.value.hint.removeprefix("see "))
    assert "no room" in log.read_text()
    log.unlink()


def test_a_log_that_cannot_be_written_is_reported(options: ServerOptions, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"^log: "), running_server(options, log=tmp_path / "file" / "log"):
        pass


def test_a_port_in_use_is_refused(options: ServerOptions) -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        wanted = dataclasses.replace(options, port=port)
        with pytest.raises(InputError, match=rf"^port: {port} is in use; give another, or 0"), running_server(wanted):
            pass
    with running_server(dataclasses.replace(options, port=port)) as server:
        assert server.url == f"http://127.0.0.1:{port}"


def test_a_host_that_is_not_ours_is_refused(options: ServerOptions) -> None:
    elsewhere = dataclasses.replace(options, host="192.0.2.1", public=True)  # an address for documentation alone
    with pytest.raises(InputError, match=r"^host: this machine does not have 192\.0\.2\.1"), running_server(elsewhere):
        pass


def test_a_server_that_dies_while_it_starts_is_reported_with_the_cause(
    options: ServerOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "log"
    log.write_text("ValueError: of another day\n")
    monkeypatch.setenv("FAKE_VLLM", "die")
    with pytest.raises(InputError) as error, running_server(options, log=log):
        pass
    expected = f"vllm: the server ended before it was ready (exit code 3): ValueError: no room; see {log}"
    assert str(error.value) == expected


def test_a_server_that_is_never_ready_is_given_up(
    options: ServerOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_VLLM", "never ready")
    late = r"^vllm: the server was not ready after 1 seconds; it said: Resolved architecture; wait longer, or see "
    waited: list[float] = []
    lines: list[str] = []

    def tell(seconds: float, line: str) -> None:
        waited.append(seconds)
        lines.append(line)

    wanted = running_server(options, wait_seconds=1, log=tmp_path / "log", on_wait=tell)
    with pytest.raises(InputError, match=late), wanted:
        pass
    assert waited == sorted(waited)
    assert lines[-1] == "Resolved architecture"  # without process, time and source line


def test_what_ignores_the_wish_to_end_is_killed_with_its_children(
    options: ServerOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_VLLM", "stubborn")
    wanted = running_server(options, wait_seconds=1, log=tmp_path / "log")
    with pytest.raises(InputError, match="not ready after 1 seconds"), wanted:
        pass
    assert not is_there(int((tmp_path / "child").read_text()))


def test_a_server_that_dies_later_is_reported(
    options: ServerOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_SECONDS", "1")
    with running_server(options, log=tmp_path / "log") as server:
        wait_for(lambda: not server.alive)
        with pytest.raises(
            InputError, match=r"the server ended while it was serving \(exit code 1\): RuntimeError: enough"
        ):
            server.check()


def test_an_error_in_the_block_stops_the_server_and_passes(options: ServerOptions) -> None:
    with pytest.raises(ZeroDivisionError), running_server(options) as server:
        _ = 1 // 0
    assert not is_there(server.pid)
    assert not server.log.exists()


def test_the_server_stops_though_its_guard_was_killed(options: ServerOptions) -> None:
    with running_server(options) as server:
        os.kill(child_with("guard.py", os.getpid()), signal.SIGKILL)
    assert not is_there(server.pid)


PROGRAM = """
from pathlib import Path
from scai_irl.io.stop import told_in_one_line
from scai_irl.cli.serve import Serve, serve
told_in_one_line(lambda: serve(Serve("someone/tiny", port=0, python={python!r}, wait_seconds=60)))
"""


@pytest.fixture
def served(python: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[subprocess.Popen[str]]:
    """``scai-irl serve`` in a process of its own, ready."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    pipe = subprocess.PIPE
    words = [sys.executable, "-c", PROGRAM.format(python=python)]
    with subprocess.Popen(words, stdout=pipe, stderr=pipe, text=True) as process:
        started = tmp_path / "started"
        wait_for(
            lambda: process.poll() is not None or (started.exists() and any(tmp_path.glob("cache/scai-irl/key-*")))
        )
        yield process
        process.kill()


def test_serve_prints_the_address_and_stops_on_request(served: subprocess.Popen[str], tmp_path: Path) -> None:
    leader = child_with("vllm.entrypoints", served.pid)
    (key,) = tmp_path.glob("cache/scai-irl/key-*")
    assert key.stat().st_mode & 0o777 == 0o600
    secret = key.read_text().strip()
    served.send_signal(signal.SIGINT)
    out, err = served.communicate(timeout=PATIENCE)
    assert served.returncode == 0, err
    assert err == "stopped\n"
    url, model, key_line, _ = (line.split(maxsplit=1)[1] for line in out.splitlines())
    assert url.startswith("http://127.0.0.1:")
    assert url.endswith("/v1")
    assert model == "someone/tiny"
    assert key_line == f"export {KEY_VARIABLE}=$(cat {key})"
    assert secret not in out
    assert not key.exists()
    assert not is_there(leader)


def test_serve_stops_at_sigterm(served: subprocess.Popen[str]) -> None:
    leader = child_with("vllm.entrypoints", served.pid)
    served.terminate()
    _, err = served.communicate(timeout=PATIENCE)
    assert (served.returncode, err) == (0, "stopped\n")
    assert not is_there(leader)


def test_a_server_does_not_outlive_a_killed_program(served: subprocess.Popen[str]) -> None:
    leader = child_with("vllm.entrypoints", served.pid)
    served.kill()
    wait_for(lambda: not is_there(leader))


def test_the_death_of_the_server_ends_serve_in_one_line(served: subprocess.Popen[str]) -> None:
    os.kill(child_with("vllm.entrypoints", served.pid), signal.SIGKILL)
    _, err = served.communicate(timeout=PATIENCE)
    assert served.returncode == 2
    (line,) = err.splitlines()
    assert line.startswith(
        "error: vllm: the server ended while it was serving (exit code -9): Resolved architecture; see "
    )


def test_serve_stopped_before_it_is_ready_says_so(
    python: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("FAKE_VLLM", "never ready")
    log = tmp_path / "log"
    stopped = threading.Event()

    def stop() -> None:
        wait_for(lambda: log.exists() and "Resolved" in log.read_text())
        os.kill(os.getpid(), signal.SIGTERM)
        stopped.set()

    before = signal.getsignal(signal.SIGTERM)
    threading.Thread(target=stop).start()
    with pytest.raises(SystemExit) as ended:
        serve(Serve("someone/tiny", port=0, python=python, log=log))
    assert stopped.wait(PATIENCE)
    assert ended.value.code == 130
    assert capsys.readouterr().err.splitlines()[-1] == "stopped"
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_key_of_the_environment_is_used_and_never_printed(
    python: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "my-secret")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("FAKE_SECONDS", "2")
    with pytest.raises(InputError, match="RuntimeError: enough"):
        serve(Serve("someone/tiny", port=0, python=python, log=tmp_path / "log"))
    assert json.loads((tmp_path / "started").read_text())["environment"]["VLLM_API_KEY"] == "my-secret"
    out = capsys.readouterr().out
    assert "my-secret" not in out
    assert f"key    in {KEY_VARIABLE}" in out.splitlines()
    assert not (tmp_path / "cache").exists()


def test_a_file_that_exists_is_not_overwritten_with_a_key(python: str, tmp_path: Path) -> None:
    precious = tmp_path / "precious"
    precious.write_text("mine")
    with pytest.raises(InputError, match=r"^key-file: .*precious cannot be written \(File exists\)"):
        serve(Serve("someone/tiny", port=0, python=python, key_file=precious, log=tmp_path / "log"))
    assert precious.read_text() == "mine"


LOGS = {
    "argparse": (
        "usage: api_server.py\napi_server.py: error: unrecognized arguments: --x\n",
        "api_server.py: error: unre",
    ),
    "pydantic": (
        "pydantic_core.ValidationError: 1 error for ModelConfig\n  Value error, too long\n    see errors.dev\nbye\n",
        "pydantic_core.ValidationError: 1 error for ModelConfig Value error, too long see errors.dev",
    ),
    "engine": (
        "(Worker pid=7) ERROR 11-22 07:11:36 [executor.py:1063] AssertionError: not enough nodes\n"
        "(APIServer pid=3) ERROR 11-22 07:11:36 [a.py:9] vllm.v1.EngineDeadError: it died. See stack trace (above).\n"
        "RuntimeError: Engine core initialization failed. See root cause above. Failed core proc(s): {}\n"
        "resource_tracker: There appear to be 2 leaked shared_memory objects\n",
        "AssertionError: not enough nodes",
    ),
    "no reason": ("Loading: 0%\rLoading: 50%\rLoading: 100%\n▄▄ ▄█\n\n", "Loading: 100%"),
    "nothing": ("", "nothing"),
    "long": (f"ValueError: {'x' * 1_000}", f"ValueError: {'x' * 287}…"),
}


@pytest.mark.parametrize("name", LOGS)
def test_the_cause_of_death_is_found_in_the_log(name: str, tmp_path: Path) -> None:
    text, expected = LOGS[name]
    log = tmp_path / "log"
    log.write_text("ValueError: earlier\n" + text, encoding="utf-8")
    assert cause_of_death(log, since=20).startswith(expected)
    assert last_line(log, since=log.stat().st_size) == ""
