"""Reader of a user's own CSV file of choices in ultimatum games, with any names of columns."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pandas as pd

from envs.contexts import MAX_STAKE
from scai_irl.data.human.choices import PROPOSER, RESPONDER, HumanChoices
from scai_irl.data.human.collected import collected, names_of, refuse_duplicates
from scai_irl.data.human.csv_rows import MOST_TRIALS, ones, read_text_columns, refuse_first, whole_numbers
from scai_irl.io.errors import InputError

_LACKING = "name the columns, or correct the file"


@dataclasses.dataclass(frozen=True)
class CsvColumns:
    """Names of a CSV file's columns; a row is a choice.

    Attributes:
        subject: The person who chose.
        stake: Units divided: a column, or one number for all lines.
        offer: Units given to the responder.
        accepted: The responder's answer, 1 or 0; empty on lines of proposers.
        trial: Number of the subject's game; without this column, games are counted in order.
        role: ``proposer`` or ``responder``; without this column, all are responders.
        study: Name of the study; without this column, the file's name.
        minimum: Smallest offer that would be accepted (strategy method); such lines need no offer and no answer.
    """

    subject: str = "subject"
    stake: str = "stake"
    offer: str = "offer"
    accepted: str = "accepted"
    trial: str = "trial"
    role: str = "role"
    study: str = "study"
    minimum: str = "minimum"

    @classmethod
    def of(cls, options: object) -> CsvColumns:
        """Return the names that command-line options give."""
        return cls(**{field.name: getattr(options, field.name) for field in dataclasses.fields(cls)})


def read_csv(path: Path, columns: CsvColumns | None = None) -> HumanChoices:
    """Read a CSV file with a line for each choice.

    Args:
        path: The file.
        columns: Names of its columns.

    Raises:
        InputError: If the file, or a value in it, cannot be read.
    """
    names, usual = columns or CsvColumns(), CsvColumns()
    for field in dataclasses.fields(names):
        if not getattr(names, field.name):
            raise InputError(field.name, "the name of a column is empty", "give the name that stands in the file")
    needed = [names.subject, *([] if names.stake.isdecimal() else [names.stake])]
    optional = [field.name for field in dataclasses.fields(names) if field.name not in {"subject", "stake"}]
    needed += [getattr(names, n) for n in optional if getattr(names, n) != getattr(usual, n)]
    table = read_text_columns(path, needed, _LACKING)
    if names.minimum not in table:
        table = read_text_columns(path, [names.offer], _LACKING)
    rows = pd.DataFrame({"subject": names_of(path, table, names.subject)})
    if names.stake in table:
        rows["stake"] = whole_numbers(path, table, names.stake, 1, MAX_STAKE)
    elif 1 <= int(names.stake) <= MAX_STAKE:
        rows["stake"] = int(names.stake)
    else:
        hint = f"give a number from 1 to {MAX_STAKE}, or the name of a column"
        raise InputError("stake", f"{names.stake} units cannot be divided", hint)
    rows["study"] = table[names.study] if names.study in table else path.name.partition(".")[0]
    rows["role"] = _roles(path, table, names.role)
    if names.trial in table:
        rows["trial"] = whole_numbers(path, table, names.trial, 0, MOST_TRIALS)
    else:
        rows["trial"] = rows.groupby(["study", "subject", "role"]).cumcount() + 1
    rows["minimum"] = _amounts(path, table, names.minimum, rows["stake"])
    states_minimum = rows["minimum"].notna()
    rows["offer"] = _amounts(path, table, names.offer, rows["stake"])
    if (lacking := rows["offer"].isna() & ~states_minimum).any():
        refuse_first(path, table, names.offer, lacking, "is missing", "fill it in, or leave out the line")
    rows["accepted"] = _answers(path, table, names.accepted, (rows["role"] == RESPONDER) & ~states_minimum)
    rows.loc[states_minimum, ["offer", "accepted"]] = pd.NA
    refuse_duplicates(path, rows, names.trial)
    return collected(path, rows)


def _roles(path: Path, table: pd.DataFrame, column: str) -> pd.Series[str]:
    if column not in table:
        return pd.Series(RESPONDER, table.index)
    roles = table[column].str.strip().str.lower()
    known = roles.isin((PROPOSER, RESPONDER))
    refuse_first(path, table, column, ~known, "is no role", f"give {PROPOSER} or {RESPONDER}")
    return roles


def _amounts(path: Path, table: pd.DataFrame, column: str, stake: pd.Series[int]) -> pd.Series[int]:
    """Read whole amounts from 0 to the stake; missing values where the column or the entry is missing."""
    amounts = pd.Series(pd.NA, table.index, dtype="Int64")
    if column not in table:
        return amounts
    given = table[table[column].str.strip() != ""]
    if len(given):
        units = whole_numbers(path, given, column, 0, MAX_STAKE)
        above = units > stake.loc[units.index]
        refuse_first(path, given, column, above, "is above the stake", "give what the responder gets of the stake")
        amounts.loc[units.index] = units
    return amounts


def _answers(path: Path, table: pd.DataFrame, column: str, answering: pd.Series[bool]) -> pd.Series[bool]:
    answers = pd.Series(pd.NA, table.index, dtype="boolean")
    given = table[answering]
    if len(given):
        if column not in table:
            raise InputError(str(path), f"has no column {column!r}", "name the column of answers with --accepted")
        answers.loc[given.index] = ones(path, given, column, "accept", "reject")
    return answers
