"""Last steps of every reader of people's choices: names, a check for duplicates, and warnings."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from scai_irl.data.human.choices import CHOICE_COLUMNS, UNREAD_COLUMNS, WARNING_COLUMNS, HumanChoices, typed
from scai_irl.data.human.csv_rows import line_of_first, refuse_first
from scai_irl.io.errors import InputError


def names_of(path: Path, table: pd.DataFrame, column: str) -> pd.Series[str]:
    """Read a column of people's names, none of them empty."""
    names = table[column].str.strip()
    refuse_first(path, table, column, names == "", "is missing", "name the subject, or leave out the line")
    return names


def refuse_duplicates(path: Path, rows: pd.DataFrame, column: str) -> None:
    """Raise an error if a person has the same trial twice in one role."""
    again = rows.duplicated(["study", "subject", "trial", "role"])
    if again.any():
        line = line_of_first(again)
        duplicate = f"subject {rows['subject'].loc[line]} has trial {rows['trial'].loc[line]} twice"
        raise InputError(
            str(path),
            f"column {column}, line {line}: {duplicate}",
            "number each subject's trials apart, or leave one out",
        )


def collected(
    path: Path, rows: pd.DataFrame, unread: pd.Series[str] | None = None, notes: list[tuple[str, int]] | None = None
) -> HumanChoices:
    """Return the choices in order, with warnings about their notable properties."""
    rows = rows.assign(offered_share=pd.to_numeric(rows["offer"]) / rows["stake"]).reset_index(drop=True)
    choices = typed(rows, CHOICE_COLUMNS)
    left_out = pd.Series(dtype=str) if unread is None else unread
    listed = pd.DataFrame(
        {"file": path.name, "where": [f"line {n}" for n in left_out.index], "reason": left_out.values}
    )
    warnings = pd.DataFrame(
        [{"file": path.name, "warning": text, "count": count} for text, count in (notes or []) + _oddities(choices)],
        columns=list(WARNING_COLUMNS),
    )
    return HumanChoices(choices, typed(listed, UNREAD_COLUMNS), typed(warnings, WARNING_COLUMNS))


def _oddities(choices: pd.DataFrame) -> list[tuple[str, int]]:
    """Return warnings about constant answers, and about people with fewer choices than others."""
    notes = []
    answers = choices[choices["accepted"].notna()]
    by_person = answers.assign(accepted=answers["accepted"].astype(float)).groupby(["study", "subject"])["accepted"]
    several = by_person.mean()[by_person.size() > 1]
    for value, words in ((1.0, "accept"), (0.0, "reject")):
        constant = int((several == value).sum())
        if constant:
            whom = f"{constant} of {len(several)} people"
            notes.append((f"{whom} {words} every offer, which bounds their parameters on one side only", constant))
    counts = answers.groupby(["study", "subject"]).size()
    fewer = int((counts < counts.max()).sum())
    if fewer:
        notes.append((f"{fewer} of {len(counts)} people have fewer than {counts.max()} answers", fewer))
    return notes
