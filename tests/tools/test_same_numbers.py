"""The command that compares two recordings."""

from __future__ import annotations

from pathlib import Path

import pytest
from same_numbers import Compare, _compare


def test_nothing_to_compare_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _compare(Compare(tmp_path / "none", tmp_path / "none either")) == 2
    assert capsys.readouterr().err.startswith("error: ")
