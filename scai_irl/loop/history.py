"""Transcripts of earlier epochs, for agents that learn from text; they are read from the tables of the epochs."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd

from scai_irl.agents.agent import Transcripts
from scai_irl.language.games import Game


class History:
    """Earlier epochs of one group.

    Args:
        rows: Number of rows of the setting.
    """

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._interactions: list[list[tuple[Game, ...]]] = []
        self._texts: list[str | None] = [None] * rows
        self._beliefs: list[str | None] = [None] * rows

    def add(self, interactions: pd.DataFrame, verbal_policies: pd.DataFrame) -> None:
        """Add an epoch.

        Args:
            interactions: Table of interactions, with the rows of the setting in order and equally many lines for each.
            verbal_policies: Table of verbal policies, in the same form.
        """
        self._interactions.append([_interactions(lines) for lines in _split(interactions, self._rows)])
        for row, lines in enumerate(_split(verbal_policies, self._rows)):
            first = lines.iloc[0] if len(lines) else None
            self._texts[row] = None if first is None or pd.isna(first["written"]) else str(first["written"])
            self._beliefs[row] = None if first is None or pd.isna(first["belief"]) else str(first["belief"])

    def transcripts(self, rows: range) -> Transcripts:
        """Transcripts of some rows."""
        return Transcripts(
            interactions=tuple(tuple(of_epoch[row] for of_epoch in self._interactions) for row in rows),
            texts=tuple(self._texts[row] for row in rows),
            beliefs=tuple(self._beliefs[row] for row in rows),
        )


def _split(table: pd.DataFrame, rows: int) -> Sequence[pd.DataFrame]:
    width = len(table) // rows
    return [table.iloc[row * width : (row + 1) * width] for row in range(rows)]


def _interactions(lines: pd.DataFrame) -> tuple[Game, ...]:
    return tuple(_interaction(line) for line in lines.to_dict("records") if not pd.isna(line["offer"]))


def _interaction(line: Mapping[Hashable, Any]) -> Game:
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
    """Return a message; tables mark the absence of one by None or NaN."""
    return "" if pd.isna(value) else str(value)
