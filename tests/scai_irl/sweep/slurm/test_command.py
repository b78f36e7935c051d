"""``scai-irl slurm``: what it prints and submits, and what it refuses before anything is submitted."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from scai_irl.cli.main import main
from scai_irl.results.manifest import Manifest
from scai_irl.sweep.slurm.plan import activation
from tests.scai_irl.program import untouched
from tests.scai_irl.sweep.slurm.conftest import CELLS, SWEEP

Refusal = Callable[..., str]

ASKING = SWEEP.replace("[settings]\n", '[settings]\nbackend = "vllm-server"\n')


@pytest.fixture
def error(sweep_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Refusal:
    """Function that runs a command that must be refused, and returns its one line. No file may be made."""

    def refusal(*words: str, sweep: str = SWEEP) -> str:
        sweep_file.write_text(sweep)
        out = () if "--out" in words else ("--out", str(tmp_path / "out"))
        with untouched(tmp_path), pytest.raises(SystemExit) as left:
            main(["slurm", str(sweep_file), *out, *words])
        output = capsys.readouterr()
        assert (left.value.code, output.out) == (2, "")
        (line,) = output.err.splitlines()
        assert not (tmp_path / "out").exists()
        return line

    return refusal


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--array", "2", "--nodes", "2"), "error: array: an array of 2 tasks and a cluster of 2 nodes exclude"),
        (("--array", "13"), f"error: array: there are {CELLS} cells for 13 tasks; give {CELLS} or less"),
        (("--array", "0"), "error: array: 0 is too few; give 1 or more"),
        (("--nodes", "0"), "error: nodes: 0 is too few"),
        (("--gpus-per-node", "-1"), "error: gpus-per-node: -1 is too few; give 0 or more"),
        (("--time", "soon"), "error: time: 'soon' is not a time in Slurm's format; write hours:minutes:seconds"),
        (("--time", "00:01:00"), "error: time: '00:01:00' is 60 seconds; give five minutes or more"),
        (("--partition", "a b"), "error: partition: 'a b' is no name"),
        (("--account=--wrap=reboot",), "error: account: '--wrap=reboot' is no name"),
        (("--sbatch-extra=mem=1",), "error: sbatch-extra: 'mem=1' is no option"),
        (("--sbatch-extra=--mem=1\n#SBATCH --uid=0",), "error: sbatch-extra: '--mem=1\\n#SBATCH --uid=0' is no option"),
        (("--sbatch-extra=--time=1",), "error: sbatch-extra: --time=1 has an option of its own; use --time"),
        (("--environment", "/nowhere/venv"), "error: environment: '/nowhere/venv' has no folder bin"),
        (("--out", 'a"b'), "error: out: Slurm can make no log in"),
        (("--out", "a\nb"), "error: out: Slurm can make no log in"),
        (("--array", "2", "--model", "m"), "error: model: tasks of an array have no servers; give --nodes"),
        (("--gpus-per-node", "8"), "error: gpus-per-node: nothing would use the 8: cells want none, and no model"),
        (("--model", "m"), "error: model: the sweep does not ask a server; put backend"),
        (("--serve-extra=--dtype=half",), "error: serve-extra: there is no model to serve; give --model"),
        (("--tensor-parallel", "2"), "error: tensor-parallel: there is no model to serve; give --model"),
    ],
)
def test_what_cannot_be_is_refused(words: tuple[str, ...], message: str, error: Refusal) -> None:
    assert error(*words).startswith(message)


@pytest.mark.parametrize(
    ("words", "added", "message"),
    [
        (("--gpus-per-node", "8", "--tensor-parallel", "3"), "", "tensor-parallel: 3 GPUs for a copy do not go into"),
        (("--gpus-per-node", "4", "--tensor-parallel", "8"), "", "tensor-parallel: 8 GPUs for a copy do not go into"),
        (("--tensor-parallel", "2"), "", "tensor-parallel: 2 GPUs for a copy do not go into the 0 of a node"),
        (
            ("--gpus-per-node", "19"),
            "",
            "tensor-parallel: 19 copies on a node are more than the 18 that there are ports",
        ),
        (("--serve-extra=--port=1",), "", "serve-extra: --port=1 is the job's own affair"),
        ((), "[resources]\ngpus = 1", "model: its servers take all GPUs, and the sweep's cells want some, too"),
        ((), 'model = ["some/other"]', "model: the sweep asks for some/other, and not for some/model"),
        ((), 'url = [["http://one:8000"]]', "settings.url: only the job knows its servers"),
    ],
)
def test_a_model_that_does_not_fit_is_refused(words: tuple[str, ...], added: str, message: str, error: Refusal) -> None:
    assert error("--model", "some/model", *words, sweep=f"{ASKING}{added}\n").startswith(f"error: {message}")


ASKING_FOR = ASKING.replace("[settings]\n", '[settings]\nmodel = "some/model"\n')


def test_a_sweep_that_asks_a_server_has_its_model_served(
    sweep_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--nodes", "4", "--gpus-per-node", "8")
    scripts = []
    for model in ((), ("--model", "some/model")):
        sweep_file.write_text(ASKING_FOR)
        main(["slurm", str(sweep_file), *words, *model, "--out", str(tmp_path / "out")])
        scripts.append(capsys.readouterr().out)
    assert scripts[0] == scripts[1]
    assert "scai-irl serve some/model" in scripts[0]
    assert "number < 8;" in scripts[0]


@pytest.mark.parametrize(
    ("words", "sweep", "message"),
    [
        (("--array", "2"), ASKING_FOR, "array: the sweep asks a server, and tasks of an array have none; give --nodes"),
        (("--nodes", "2"), ASKING, "model: the sweep asks a server, and does not say for which model; give --model"),
        (
            ("--nodes", "2"),
            f'{ASKING}model = ["one", "two"]\n',
            "model: the sweep uses several (one, two), and a job serves one; make a sweep of each",
        ),
    ],
)
def test_a_server_that_nobody_would_start_is_refused(
    words: tuple[str, ...], sweep: str, message: str, error: Refusal
) -> None:
    assert error(*words, sweep=sweep).startswith(f"error: {message}")


@pytest.mark.parametrize("words", [("--array", "2"), ("--nodes", "2")])
def test_servers_that_the_sweep_names_are_left_to_it(
    words: tuple[str, ...], sweep_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep_file.write_text(ASKING.replace("[settings]\n", '[settings]\nurl = ["http://one:8000"]\n'))
    main(["slurm", str(sweep_file), *words, "--out", str(tmp_path / "out")])
    script = capsys.readouterr().out
    assert "scai-irl serve" not in script
    assert "--set" not in script


@pytest.mark.parametrize(
    ("settings", "words", "parts"),
    [
        ("", (), ['--set "url=[${list%,}]" "concurrency=$concurrency" timeout=600', "concurrency=$((1024 > cells"]),
        ("", ("--serve-extra=--max-num-seqs=64",), ["concurrency=$((128 > cells"]),
        ("concurrency = 7\n", (), ['--set "url=[${list%,}]" timeout=600']),
        ("concurrency = 7\ntimeout = 60\n", (), ['--set "url=[${list%,}]"\n']),
    ],
)
def test_requests_of_all_cells_together_are_bounded_unless_the_sweep_says_how_many(
    settings: str,
    words: tuple[str, ...],
    parts: list[str],
    sweep_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    sweep_file.write_text(ASKING_FOR.replace("[settings]\n", f"[settings]\n{settings}"))
    main(["slurm", str(sweep_file), "--nodes", "2", *words, "--out", str(tmp_path / "out")])
    script = capsys.readouterr().out
    assert all(part in script for part in parts)
    assert "cells < 12 ? cells : 12" in script or settings


def test_a_folder_without_a_model_is_refused(error: Refusal) -> None:
    assert error("--model", "./nowhere", sweep=ASKING).startswith("error: model: there is no folder './nowhere'")


@pytest.mark.parametrize(
    ("words", "resources", "message"),
    [
        (("--cpus-per-node", "2"), "cpus = 4", "cpus-per-node: 2 are fewer than the 4 of one cell"),
        (("--gpus-per-node", "1"), "gpus = 2", "gpus-per-node: 1 are fewer than the 2 of one cell"),
        (("--array", "2"), "gpus = 0.5", "gpus-per-node: 0 are fewer than the 0.5 of one cell"),
    ],
)
def test_a_cell_that_would_never_start_is_refused(
    words: tuple[str, ...], resources: str, message: str, error: Refusal
) -> None:
    assert error(*words, sweep=f"{SWEEP}[resources]\n{resources}\n").startswith(f"error: {message}")


@pytest.mark.parametrize(
    ("added", "message"),
    [
        ("lapse = [2.0]", "error: grid.lapse: 2.0 does not fit"),
        ("laps = [0.0]", "error: grid.laps: the experiment has no such option; perhaps you meant lapse"),
        ("agents = 1", "error: "),
    ],
)
def test_a_sweep_is_checked_before_anything_is_made(added: str, message: str, error: Refusal) -> None:
    assert error("--array", "2", sweep=f"{SWEEP}{added}\n").startswith(message)


def test_without_slurm_nothing_is_submitted(error: Refusal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert error("--array", "2", "--submit") == (
        "error: submit: there is no sbatch on this machine; "
        "leave --submit out, and run the script on a machine with Slurm"
    )


def test_without_ray_nodes_are_refused(error: Refusal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    assert error("--nodes", "2").startswith("error: nodes: they are joined by Ray, which is not installed; pip install")


def sbatch(folder: Path, *lines: str) -> None:
    """Put a program in place of ``sbatch``."""
    program = folder / "sbatch"
    program.write_text("\n".join(["#!/bin/sh", f'echo "$@" >"{folder}/words"', f'cat >"{folder}/script"', *lines]))
    program.chmod(0o755)


def test_what_is_submitted_is_what_would_be_printed(
    sweep_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["slurm", str(sweep_file), "--array", "3", "--out", str(tmp_path / "out")]
    main(command)
    printed = capsys.readouterr().out
    sbatch(tmp_path, "echo '12;cluster'")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    main([*command, "--submit"])
    assert capsys.readouterr().out == "12\n"
    assert (tmp_path / "words").read_text() == "--parsable\n"
    assert (tmp_path / "script").read_text() == printed
    assert "--array=0-2" in printed


def test_a_refusal_by_slurm_is_reported(
    sweep_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sbatch(tmp_path, "echo 'sbatch: error: invalid partition specified: x' >&2", "exit 1")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(SystemExit):
        main(["slurm", str(sweep_file), "--array", "3", "--out", str(tmp_path / "out"), "--submit"])
    message = (
        "error: sbatch: Slurm refuses the job (invalid partition specified: x); correct the option that it names\n"
    )
    assert capsys.readouterr().err == message


def test_the_folder_is_the_sweeps_before_the_job_starts(
    sweep_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    command = ["slurm", str(sweep_file), "--array", "2", "--out", str(out)]
    main(command)
    assert Manifest.read(out).experiment == "sweep"
    (out / "slurm-1_0.out").touch()
    main(command)
    sweep_file.write_text(SWEEP.replace("count = 6", "count = 7"))
    with pytest.raises(SystemExit):
        main(command)
    assert "holds results of another configuration" in capsys.readouterr().err


def test_an_environment_is_a_folder_or_a_command(tmp_path: Path) -> None:
    (tmp_path / "plain" / "bin").mkdir(parents=True)
    (tmp_path / "made by venv" / "bin").mkdir(parents=True)
    (tmp_path / "made by venv" / "bin" / "activate").touch()
    assert activation(str(tmp_path / "plain")) == f'export PATH={tmp_path}/plain/bin:"$PATH"'
    assert activation(str(tmp_path / "made by venv")) == f"source '{tmp_path}/made by venv/bin/activate'"
    assert activation("module load python; conda activate x") == "module load python; conda activate x"
    assert activation(None) == f'export PATH={Path(sys.executable).parent}:"$PATH"'
