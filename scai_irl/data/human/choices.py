"""Choices of people in ultimatum games: one tidy table for all experiments, and its conversion to evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Int
from pandas.api.types import pandas_dtype

from envs.ultimatum import offer_of_units
from inference.continuous.strategy_method import Strategies, strategies
from inference.discrete.evidence import Evidence, evidence
from scai_irl.io.errors import InputError

_TEXT = pd.StringDtype(na_value=np.nan)

CHOICE_COLUMNS: Mapping[str, str | pd.StringDtype] = {
    "study": _TEXT,
    "subject": _TEXT,
    "trial": "int64",
    "role": _TEXT,
    "stake": "int64",
    "offer": "Int64",
    "offered_share": "float64",
    "accepted": "boolean",
    "minimum": "Int64",
}
"""Columns of the table of choices, a row for each choice.

``study`` and ``subject`` name the person, ``trial`` counts the person's games, ``role`` is proposer or responder.
``stake`` and ``offer`` (what the responder gets) are in the units of the source; ``offered_share`` = offer / stake. A
proposer's row is the offer made. A responder's row is an answer (``accepted``) to an offer, or, by the strategy method,
the smallest offer that would be accepted (``minimum``), where there is no offer and no answer.
"""

UNREAD_COLUMNS: Mapping[str, str | pd.StringDtype] = {"file": _TEXT, "where": _TEXT, "reason": _TEXT}
WARNING_COLUMNS: Mapping[str, str | pd.StringDtype] = {"file": _TEXT, "warning": _TEXT, "count": "int64"}

PROPOSER, RESPONDER = "proposer", "responder"


@dataclass(frozen=True)
class HumanChoices:
    """Imported choices of people.

    Attributes:
        choices: One row for each choice; see `CHOICE_COLUMNS`.
        unread: One row for each line that was left out: ``file``, ``where`` (its line), ``reason``.
        warnings: Notable properties of the choices: ``file``, ``warning``, ``count``.
    """

    choices: pd.DataFrame
    unread: pd.DataFrame
    warnings: pd.DataFrame


def typed(rows: pd.DataFrame, columns: Mapping[str, str | pd.StringDtype]) -> pd.DataFrame:
    """Return a table with given columns and types, in order; absent columns become missing values."""
    lacking = pd.Series(pd.NA, rows.index)
    return pd.DataFrame({name: rows.get(name, lacking).astype(pandas_dtype(kind)) for name, kind in columns.items()})


def subjects(choices: pd.DataFrame) -> Int[np.ndarray, "choice"]:
    """Number the people of a table of choices, 0, 1, …, in order of their first choice."""
    numbers = choices.groupby(["study", "subject"], sort=False).ngroup()
    return np.asarray(numbers, np.int64)


def human_evidence(choices: pd.DataFrame) -> Evidence:
    """Convert people's choices to evidence, with a run for each person, in order of first choice.

    Offers of proposers and answers of responders count. Minimum acceptable offers are no answers to an offer; use
    `human_strategies` for them. People with fewer choices have unseen plays at the end. Offers at stakes above 100
    are taken at the nearest per cent.

    Args:
        choices: Table with the columns `CHOICE_COLUMNS`.

    Raises:
        InputError: If a column is missing, there are no such choices, or a choice is impossible.

    Example:
        >>> table = pd.DataFrame({"study": "s", "subject": ["a", "a", "b"], "trial": [1, 2, 1], "role": "responder"})
        >>> table = table.assign(stake=10, offer=[5, 1, 4], accepted=[True, False, True], minimum=pd.NA)
        >>> seen = human_evidence(table)
        >>> seen.answer_seen.tolist(), seen.offer.tolist()
        ([[True, True], [True, False]], [[5, 1], [4, 0]])
    """
    _columns(choices)
    plays = choices[choices["offer"].notna()]
    if plays.empty:
        raise InputError("choices", "no offer and no answer", "give a table that has some; see human_strategies")
    person = subjects(plays)
    slot = plays.groupby(person).cumcount().to_numpy()
    shape = (person.max() + 1, slot.max() + 1)

    def spread(values: np.ndarray, unseen: int) -> np.ndarray:
        table = np.full(shape, unseen, np.int64)
        table[person, slot] = values
        return table

    stake = plays["stake"].to_numpy(np.int64)
    offer = _actions(plays["offer"], stake)
    proposes = (plays["role"] == PROPOSER).to_numpy()
    answers = (plays["role"] == RESPONDER).to_numpy() & plays["accepted"].notna().to_numpy()
    accepted = plays["accepted"].fillna(value=False).to_numpy(bool)
    try:
        return evidence(
            spread(stake, 1), spread(offer, 0), spread(accepted, 0), spread(proposes, 0), spread(answers, 0)
        )
    except ValueError as wrong:
        raise InputError("choices", str(wrong), "import the data again") from wrong


def human_strategies(choices: pd.DataFrame) -> Strategies:
    """Convert offers and minimum acceptable offers to one run of pooled people, with a column for each choice.

    Args:
        choices: Table with the columns `CHOICE_COLUMNS`.

    Raises:
        InputError: If a column is missing, or there is no minimum acceptable offer.
    """
    _columns(choices)
    minimum_seen = choices["minimum"].notna().to_numpy()
    if not minimum_seen.any():
        raise InputError("choices", "no minimum acceptable offer", "give data by the strategy method")
    offer_seen = ((choices["role"] == PROPOSER) & choices["offer"].notna()).to_numpy()
    stake = choices["stake"].to_numpy(np.int64)
    offer, minimum = (_actions(choices[name].fillna(0), stake) for name in ("offer", "minimum"))
    try:
        return strategies(stake, offer, minimum, offer_seen, minimum_seen)
    except ValueError as wrong:
        raise InputError("choices", str(wrong), "import the data again") from wrong


def pooled(data: Evidence) -> Evidence:
    """Return all people's observed plays as one run, person after person."""
    used = data.offer_seen | data.answer_seen
    return Evidence(*(column[used][None] for column in data))


def _actions(units: pd.Series[int], stake: np.ndarray) -> np.ndarray:
    """Convert offers to the game's actions: units, or per cent for stakes above 100."""
    return np.asarray(offer_of_units(jnp.asarray(units.to_numpy(np.int64)), jnp.asarray(stake)))


def _columns(choices: pd.DataFrame) -> None:
    needed = ("study", "subject", "role", "stake", "offer", "accepted", "minimum")
    lacking = [name for name in needed if name not in choices]
    if lacking:
        raise InputError("choices", f"no column {lacking[0]!r}", "give a table made by `scai-irl import human`")
