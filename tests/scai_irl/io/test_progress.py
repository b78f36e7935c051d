"""Progress: a bar on a terminal, plain lines elsewhere, and nothing for short work."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from scai_irl.io.progress import progress
from tests.scai_irl.program import PROGRAM, TINY, environment

STEPS = """
import time
from scai_irl.io.progress import progress
with progress("playing", 3) as advance:
    for step in range(3):
        time.sleep(0.05)
        advance(f"epoch {step + 1}")
"""


def on_a_terminal(*command: str | Path) -> str:
    """Run a command whose standard error is a terminal, and return what the terminal received."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=theirs, env=environment() | {"TERM": "xterm", "COLUMNS": "100"}
    ) as process:
        os.close(theirs)
        sent = b""
        while True:
            try:
                piece = os.read(ours, 4096)
            except OSError:  # Linux's error when the other end has closed
                break
            if not piece:
                break
            sent += piece
    os.close(ours)
    assert process.returncode == 0, sent
    return sent.decode()


def test_a_terminal_is_shown_a_bar() -> None:
    sent = on_a_terminal(sys.executable, "-c", STEPS)
    assert "\x1b[" in sent  # it moves the cursor
    assert "━" in sent
    assert "playing: epoch 3" in sent
    assert "3/3" in sent
    assert " of 3," not in sent


@pytest.mark.slow
def test_an_experiment_on_a_terminal_shows_a_bar_and_one_that_is_finished_none(tmp_path: Path) -> None:
    command = (PROGRAM, *TINY, "--epochs", "1", "--out", tmp_path / "results")
    sent = on_a_terminal(*command)
    assert "one-group-norm: group 5v5, epoch 1" in sent
    assert "1/1" in sent
    assert on_a_terminal(*command) == ""


def lines_after(seconds: list[float], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Lines printed when the steps end at these times."""
    times = iter([0.0, *seconds])
    with monkeypatch.context() as patch:
        patch.setattr("scai_irl.io.progress.time.monotonic", lambda: next(times))
        with progress("playing", len(seconds)) as advance:
            for step in range(len(seconds)):
                advance(f"epoch {step + 1}")
    out, err = capsys.readouterr()
    assert out == ""
    return err.splitlines()


def test_elsewhere_lines_tell_what_is_done_of_how_much_and_since_when(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert lines_after([3.0, 6.0, 9.0], capsys, monkeypatch) == [
        "playing: epoch 1 (1 of 3, 3 s)",
        "playing: epoch 2 (2 of 3, 6 s)",
        "playing: epoch 3 (3 of 3, 9 s)",
    ]


def test_lines_do_not_come_faster_than_one_can_read(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = [0.5 * step for step in range(1, 21)]
    lines = lines_after(seconds, capsys, monkeypatch)
    assert [line.split("(")[1] for line in lines] == [f"{4 * k} of 20, {2 * k} s)" for k in range(1, 6)]


def test_nothing_is_said_of_what_is_over_at_once(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert lines_after([0.1, 0.2, 1.9], capsys, monkeypatch) == []


def test_a_pipe_is_sent_plain_text(results: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [PROGRAM, "show", results], cwd=tmp_path, env=environment(), capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    assert not re.search("[\x1b\r\x07]", done.stdout)
