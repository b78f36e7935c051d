"""The end of a program: one line, and an exit code."""

from __future__ import annotations

import pytest

from scai_irl.io.stop import told_in_one_line


def _interrupted() -> None:
    raise KeyboardInterrupt


def test_ctrl_c_ends_with_one_line_that_says_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        told_in_one_line(_interrupted)
    assert stopped.value.code == 130
    assert capsys.readouterr().err == "stopped; to go on, give the same command again\n"
