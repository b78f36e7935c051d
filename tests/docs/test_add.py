"""“Add to it” is followed line by line, from an empty folder. The page's game also passes its contract test here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from envs.cmdp import ContextualMDP
from scai_irl.testing import EnvironmentContract
from tests.docs.following import follow
from tests.docs.pages import ROOT, blocks, execute

PAGE = ROOT / "docs" / "add.md"
NAMES = ("dictator", "threshold", "prior-sampling", "canned")


class TestGameOfThePage(EnvironmentContract):
    @pytest.fixture(scope="class")
    @classmethod
    def env(cls) -> ContextualMDP:
        (file,) = [block for block in blocks(PAGE) if block.title == "my_game.py"]
        shared: dict[str, Any] = {"__name__": "my_game"}
        execute(file, shared)
        game: ContextualMDP = shared["DictatorGame"]()
        return game


@pytest.mark.slow
def test_the_page_is_followed_from_an_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "my-additions").mkdir()
    printed = follow(PAGE, tmp_path / "my-additions")
    listed = [line for line in printed.splitlines() if any(name in line.split() for name in NAMES)]
    assert len(listed) >= len(NAMES)
    assert "number" in printed  # the table of calibration
    assert " passed" in printed
    assert " failed" not in printed


def test_every_group_of_entry_points_is_on_the_page() -> None:
    groups = {"environments", "utilities", "families", "continuous_families", "methods", "discrete_methods"}
    groups |= {"agents", "backends", "experiments"}
    text = PAGE.read_text(encoding="utf-8")
    assert all(f"`scai_irl.{group}`" in text for group in groups)
