"""What happened in earlier epochs, as those who learn from transcripts see it; read from the tables of epochs."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd

from scai_irl.language.games import Game


class History:
    """Epochs of one group that are over.

    Args:
        rows: Rows of the setting.
    """

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._games: list[list[tuple[Game, ...]]] = []
        self._texts: list[str | None] = [None] * rows
        self._beliefs: list[str | None] = [None] * rows

    def add(self, interactions: pd.DataFrame, verbal_policies: pd.DataFrame) -> None:
        """Add an epoch; both tables have the rows of the setting in order, each with as many lines as the others."""
        self._games.append([_games(lines) for lines in _split(interactions, self._rows)])
        for row, lines in enumerate(_split(verbal_policies, self._rows)):
            first = lines.iloc[0] if len(lines) else None
            self._texts[row] = None if first is None or pd.isna(first["written"]) else str(first["written"])
            self._beliefs[row] = None if first is None or pd.isna(first["belief"]) else str(first["belief"])

    def games(self, row: int) -> tuple[tuple[Game, ...], ...]:
        """Games of a row, epoch by epoch; those that came to nothing are left out."""
        return tuple(of_epoch[row] for of_epoch in self._games)

    def text(self, row: int) -> str | None:
        """Policy that the first assistant of a row followed last."""
        return self._texts[row]

    def belief(self, row: int) -> str | None:
        """Belief in words that a row's assistants had last."""
        return self._beliefs[row]


def _split(table: pd.DataFrame, rows: int) -> Sequence[pd.DataFrame]:
    width = len(table) // rows
    return [table.iloc[row * width : (row + 1) * width] for row in range(rows)]


def _games(lines: pd.DataFrame) -> tuple[Game, ...]:
    return tuple(_game(line) for line in lines.to_dict("records") if not pd.isna(line["offer"]))


def _game(line: Mapping[Hashable, Any]) -> Game:
    return Game(
        currency=str(line["currency"]),
        stake=int(line["stake"]),
        proposer=line["proposer"],
        responder=line["responder"],
        offered=int(line["offer"]),
        accepted=None if pd.isna(line["accepted"]) else bool(line["accepted"]),
        said=_text(line["proposer_text"]),
        replied=_text(line["responder_text"]),
    )


def _text(value: Any) -> str:
    """What was said; a table has nothing, or no number, where nothing was."""
    return "" if pd.isna(value) else str(value)
