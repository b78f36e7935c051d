"""A distribution that adds one entry to each registry is found everywhere, without an edit of this project."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from envs import plan, roll_out
from envs.contexts import context
from scai_irl import load
from scai_irl.cli.main import main
from scai_irl.language.phrases import read_policy, say_policy
from tests.scai_irl.plugin import CONTRACTS, KINDS, install
from tests.scai_irl.program import environment

# Help is written when a process starts, so a new process prints it.
HELP = """
import contextlib
from scai_irl.cli.main import main
for words in (["run", "--help"], ["run", "one-group-norm", "--help"]):
    with contextlib.suppress(SystemExit):
        main(words)
"""


def python(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run Python with a folder on its path."""
    path = os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])
    variables = environment() | {"PYTHONPATH": path, "COLUMNS": "200"}
    return subprocess.run(
        [sys.executable, *words], cwd=folder, env=variables, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("plugin")
    install(path)
    return path


@pytest.fixture
def installed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(str(folder))
    return folder


def test_list_names_one_of_each_kind(
    installed: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    main(["list"])
    shown = capsys.readouterr().out
    for line in KINDS.values():
        assert line.split(" = ")[0] in shown, line
    assert "A player divides, and the other takes the rest." in shown


def test_help_names_experiments_and_agents(folder: Path) -> None:
    done = python("-c", HELP, folder=folder)
    assert done.returncode == 0, done.stderr
    for name in ("tiny-study", "draws numbers", "tiny-agent"):
        assert name in done.stdout, done.stdout


def test_run_finds_an_experiment_a_family_an_agent_and_a_backend(installed: Path, tmp_path: Path) -> None:
    main(["run", "tiny-study", "--runs", "3", "--out", str(tmp_path / "study")])
    assert len(load(tmp_path / "study").numbers) == 3
    small = ["--runs", "2", "--epochs", "1", "--group", "5v5", "--users", "fair"]
    named = ["--family", "tiny-norms", "--agents", "tiny-agent", "--backend", "tiny-backend"]
    main(["run", "one-group-norm", *small, *named, "--out", str(tmp_path / "group")])
    results = load(tmp_path / "group")
    assert set(results.interactions["condition"].str.extract("(tiny-agent)")[0].dropna()) == {"tiny-agent"}


def test_calibrate_finds_a_family_and_a_method(installed: Path, tmp_path: Path) -> None:
    out = str(tmp_path / "calibrated")
    main(["calibrate", "tiny-envy", "--method", "tiny-grid", "--replications", "20", "--cores", "1", "--out", out])
    assert load(tmp_path / "calibrated").calibration["number"].tolist() == ["alpha"]


def test_a_game_is_planned_and_played_by_its_name_and_a_norm_is_said(installed: Path) -> None:
    import jax  # noqa: PLC0415

    from envs import Norm, Policy  # noqa: PLC0415

    c = context(stake=10)
    assert roll_out(jax.random.key(0), "dictator", c, plan("dictator", c, 500.0)).reward.tolist() == [[1.0, 0.0]]
    policy = Policy.of(Norm("tiny_utility", (0.5,), 30.0, 0.1))
    assert say_policy(policy).startswith("Follow the norm tiny_utility with alpha = 0.5. ")
    assert read_policy(say_policy(policy)) == policy


@pytest.mark.slow
def test_the_plugins_own_tests_inherit_the_contracts(folder: Path) -> None:
    (folder / "test_tiny.py").write_text(CONTRACTS, encoding="utf-8")
    done = python("-m", "pytest", "-q", "-p", "no:cacheprovider", "test_tiny.py", folder=folder)
    assert done.returncode == 0, done.stdout
    assert "passed" in done.stdout
    assert "skipped" in done.stdout  # the experiment asks no model
    assert "failed" not in done.stdout


def test_a_broken_plugin_is_named_and_stops_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(tmp_path, "raise RuntimeError('out of order')\n", "broken-plugin")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.warns(UserWarning, match="broken-plugin"):
        main(["list"])
    assert "selfish" in capsys.readouterr().out
    with pytest.raises(SystemExit) as stopped:
        main(["calibrate", "tiny-envy", "--replications", "20", "--cores", "1"])
    assert stopped.value.code == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert "of the distribution broken-plugin cannot be imported (RuntimeError: out of order)" in line


def test_two_plugins_of_one_name_are_refused(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(tmp_path, (installed / "tiny_plugin.py").read_text(encoding="utf-8"), "twin-plugin")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(SystemExit):
        main(["calibrate", "tiny-envy", "--replications", "20", "--cores", "1"])
    assert "family 'tiny-envy' is defined by twin-plugin and by tiny-plugin; uninstall one" in capsys.readouterr().err
