"""Importer of the recorded runs of SCAI (2023), Social Contract AI (arXiv:2310.17769).

There is one JSON file for each epoch, in a folder or an archive; it becomes rows of two tables. A third table lists
every part that cannot be read with certainty; nothing is guessed. Epochs count from 1 here and from 0 in the files.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from scai_irl.data.scai2023.archive import find_epoch_files
from scai_irl.data.scai2023.epoch_file import RecordedEpoch, Row, read_epoch
from scai_irl.io.errors import InputError

_TEXT = pd.StringDtype(na_value=np.nan)  # pandas 3's own "str"; spelt out so that pandas 2.3 gives the same
Columns = Mapping[str, str | pd.StringDtype]

INTERACTION_COLUMNS: Columns = {
    "experiment": _TEXT,
    "condition": _TEXT,
    "group": _TEXT,
    "run": "int64",
    "epoch": "int64",
    "play": "int64",
    "pairing": _TEXT,
    "proposer": _TEXT,
    "responder": _TEXT,
    "currency": _TEXT,
    "stake": "int64",
    "offer": "Int64",
    "offered_share": "float64",
    "accepted": "boolean",
    "proposer_policy": _TEXT,
    "responder_policy": _TEXT,
    "manner": _TEXT,
    "proposer_text": _TEXT,
    "responder_text": _TEXT,
}
VERBAL_POLICY_COLUMNS: Columns = {
    "experiment": _TEXT,
    "condition": _TEXT,
    "group": _TEXT,
    "run": "int64",
    "epoch": "int64",
    "currency": _TEXT,
    "in_force": _TEXT,
    "written": _TEXT,
    "revised": "bool",
    "full_text": _TEXT,
    "initial_priors": _TEXT,
    "user_policies": _TEXT,
    "manner": _TEXT,
}
UNREAD_COLUMNS: Columns = {"file": _TEXT, "where": _TEXT, "reason": _TEXT}


@dataclass(frozen=True)
class RecordedRuns:
    """Tables of recorded runs.

    Attributes:
        interactions: A row per play, in order of experiment, condition, run, epoch (from 1) and play (from 0).
            `group` is assistants "v" users, e.g. "1v9", and missing if the interactions do not determine it;
            `pairing` is the proposer's initial and the responder's (u for user, a for assistant). `stake` and `offer`
            (what the responder gets) are in units of `currency`, and `offered_share` is offer / stake. Policies are
            those in the agents' prompts: a name for users and for an assistant's prior, else the verbal policy. An
            offer or an answer that cannot be read with certainty is missing here and listed in `unread`.
        verbal_policies: A row per epoch: the text `in_force` during it (missing while the assistants start from
            their `initial_priors`, joined by ";" in order of play), the one `written` after it, whether the MetaLM
            stated that it `revised` the former, and its `full_text`. `user_policies` are "currency:policy" pairs.
        unread: A row per part that could not be read: file, where (JSON key, interaction or column; empty for the
            whole file) and reason.
    """

    interactions: pd.DataFrame
    verbal_policies: pd.DataFrame
    unread: pd.DataFrame


def _ignore(_done: int, _of: int) -> None:
    """Report no progress."""


def read_scai2023(path: Path, *, strict: bool = False, on_file: Callable[[int, int], None] = _ignore) -> RecordedRuns:
    """Read the recorded runs of SCAI (2023).

    Args:
        path: Folder at any depth above the experiments, or a .tar, .tar.gz, .tar.xz, .tgz or .zip of it, which is
            read in memory.
        strict: Whether to stop at the first part that cannot be read, instead of listing it.
        on_file: Called with (files done, files in all) after each file.

    Returns:
        The tables.

    Raises:
        InputError: If there is nothing to read, the archive is damaged, or, if strict, a part cannot be read.
    """
    files, unread = find_epoch_files(path)
    if strict and unread:
        _refuse(unread[0].file, unread[0].where, unread[0].reason)
    records: list[RecordedEpoch] = []
    for file in files:
        record = read_epoch(file)
        if strict and record.unread:
            _refuse(file.name, record.unread[0].where, record.unread[0].reason)
        unread += record.unread
        records.append(record)
        on_file(len(records), len(files))
    groups = _groups(records)
    plays = [_with_group(row, groups) for record in records for row in record.plays]
    verbal = [_with_group(record.verbal_policy, groups) for record in records if record.verbal_policy is not None]
    return RecordedRuns(
        interactions=_table(plays, INTERACTION_COLUMNS),
        verbal_policies=_table(verbal, VERBAL_POLICY_COLUMNS),
        unread=_table([asdict(item) for item in unread], UNREAD_COLUMNS),
    )


def _refuse(file: str, where: str, reason: str) -> None:
    problem = f"{where}: {reason}" if where else reason
    raise InputError(file, problem, "correct the file, or read without strict to list it instead")


def _groups(records: Iterable[RecordedEpoch]) -> dict[tuple[object, ...], str]:
    """Return the group of each run, as (experiment, condition, run) -> "assistants v users".

    Every agent plays once as proposer and once as responder, so a group has half as many agents as seats. A file with
    missing interactions has fewer seats, so the fullest epochs of the run count. If those disagree, or have an odd
    number of seats, the group is unknown.
    """
    seats: dict[tuple[object, ...], set[tuple[int, int]]] = defaultdict(set)
    for record in records:
        if record.seats is not None:
            seats[record.file.experiment, record.file.condition, record.file.run].add(record.seats)
    groups: dict[tuple[object, ...], str] = {}
    for run, of_epochs in seats.items():
        most = max(sum(of_epoch) for of_epoch in of_epochs)
        fullest = [of_epoch for of_epoch in of_epochs if sum(of_epoch) == most]
        assistants, users = fullest[0]
        if len(fullest) == 1 and assistants % 2 == users % 2 == 0:
            groups[run] = f"{assistants // 2}v{users // 2}"
    return groups


def _with_group(row: Row, groups: Mapping[tuple[object, ...], str]) -> Row:
    return row | {"group": groups.get((row["experiment"], row["condition"], row["run"]))}


def _table(rows: list[Row], columns: Columns) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series([row[name] for row in rows], dtype=dtype) for name, dtype in columns.items()})
