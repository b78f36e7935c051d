"""Readers of published data sets of people in ultimatum games."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from envs.contexts import MAX_STAKE
from scai_irl.data.human.choices import PROPOSER, RESPONDER, HumanChoices
from scai_irl.data.human.collected import collected, names_of, refuse_duplicates
from scai_irl.data.human.csv_rows import MOST_TRIALS, numbers, ones, read_text_columns, refuse_first, whole_numbers
from scai_irl.io.errors import InputError


def read_heffner(path: Path) -> HumanChoices:
    """Read ``ug_data.csv`` of Heffner & FeldmanHall (2022, Nat. Commun. 13:1718).

    ``unfairness`` is the share that the proposer keeps and ``choice`` is 1 for **reject**. The file has shares and no
    amounts, so stakes are 100 and offers are hundredths.

    Raises:
        InputError: If the file, or a value in it, cannot be read.
    """
    table = read_text_columns(path, ["sub", "trial", "unfairness", "choice", "study"])
    given = 100 * (1 - numbers(path, table, "unfairness", 0, 1, "the share kept by the proposer, 0 to 1"))
    off = (given - given.round()).abs() > 1e-6
    refuse_first(path, table, "unfairness", off, "is no whole number of hundredths", "give shares such as 0.55")
    rejected = ones(path, table, "choice", "reject", "accept")
    rows = pd.DataFrame(
        {
            "study": table["study"],
            "subject": names_of(path, table, "sub"),
            "trial": whole_numbers(path, table, "trial", 0, MOST_TRIALS),
            "role": RESPONDER,
            "stake": 100,
            "offer": given.round(),
            "accepted": ~rejected,
        }
    )
    refuse_duplicates(path, rows, "trial")
    return collected(path, rows)


def read_moblab(path: Path) -> HumanChoices:
    """Read ``ultimatum_strategy.csv`` of Mei et al. (2024, PNAS 121:e2313925121): MobLab's strategy method.

    As its authors do, first rounds with both an offer (``propose``) and a minimum (``accept``) from 0 to ``Total`` are
    kept; every other line is listed as unread. A line is two choices of one person.

    Raises:
        InputError: If the file, or a value in it, cannot be read.
    """
    table = read_text_columns(path, ["UserID", "Round", "Total", "propose", "accept"])
    total = whole_numbers(path, table, "Total", 1, MAX_STAKE)
    first = whole_numbers(path, table, "Round", 1, MOST_TRIALS) == 1
    offer, minimum = (whole_numbers(path, table, name, -MAX_STAKE, MAX_STAKE) for name in ("propose", "accept"))
    # Rules are applied from the last to the first, so the first rule that a line breaks is reported.
    reason = pd.Series("", table.index)
    for name, values in (("accept", minimum), ("propose", offer)):
        reason = reason.mask((values < 0) | (values > total), f"{name} is outside 0..Total")
        reason = reason.mask(values == -1, f"{name} is missing (-1)")
    reason = reason.mask(~first, "not a first round")
    complete = reason == ""
    if not complete.any():
        raise InputError(str(path), "no line has an offer and a minimum in a first round", "give the published file")
    people = pd.DataFrame(
        {"subject": names_of(path, table, "UserID")[complete], "stake": total[complete], "study": "moblab"}
    )
    people["trial"] = people.groupby("subject").cumcount() + 1
    rows = pd.concat(
        [
            people.assign(role=PROPOSER, offer=offer[complete]),
            people.assign(role=RESPONDER, minimum=minimum[complete]),
        ]
    ).sort_index(kind="stable")
    again = int((people["trial"] == 2).sum())
    notes = [(f"{again} people have several lines; these are their trials 1, 2, …", again)] if again else []
    return collected(path, rows, reason[~complete], notes)
