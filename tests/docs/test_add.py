"""What “Add to it” adds keeps to the contracts that it would inherit."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from tests.docs.pages import ROOT, blocks, execute
from tests.envs import test_environment_contract as contract

# Whether an episode is still open before its last action cannot be asked of a game with one action.
OF_LONGER_GAMES = {"test_some_episode_needs_the_whole_horizon"}
LAWS = [
    law
    for name, law in vars(contract).items()
    if name.startswith("test_") and set(inspect.signature(law).parameters) == {"env", "c"}
    if name not in OF_LONGER_GAMES
]


@pytest.fixture(scope="module")
def game() -> Any:
    """The game of the page, made by its blocks on games and nothing else."""
    shared: dict[str, Any] = {"__name__": "document"}
    for block in blocks(ROOT / "docs" / "add.md", "python")[:2]:
        execute(block, shared)
    return shared["DictatorGame"]()


def test_there_are_laws() -> None:
    assert len(LAWS) > 5


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_the_game_keeps_to_the_contract(game: Any, law: Any) -> None:
    for context in contract.CONTEXTS:
        law(game, context)
