"""Small experiments, played epoch by epoch without a results folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pandas as pd

from envs import Population, Schedule, mixture, one_group
from envs.ultimatum import offer_of_units
from inference import DiscretePosterior, Evidence, evidence, make_family
from scai_irl.backends.phrasebook.backend import Phrasebook
from scai_irl.lm.protocol import Backend
from scai_irl.loop.play_epoch import EpochRecord
from scai_irl.loop.play_epochs import play_epochs
from scai_irl.loop.run import play_or_resume, results_tables
from scai_irl.loop.setting import Condition, Setting
from scai_irl.report.drawing import epoch_figures
from scai_irl.report.study import Study, keep
from scai_irl.results.folder import opened
from scai_irl.results.results import Results, load

RATIONALITY = 30.0  # low enough that offers vary and the posterior moves in steps
FAIR = one_group("fair")
MIXED = mixture({"selfish": 0.5, "altruistic": 0.5})


def setting(
    groups: Sequence[str] = ("5v5",),
    populations: Sequence[Population] = (FAIR, MIXED),
    agents: Sequence[str] = ("thompson",),
    runs: Sequence[int] = range(10),
    family: str = "named-norms",
    **changes: Any,
) -> Setting:
    """An experiment of two epochs; most have 20 rows and 10 interactions, so that they share compiled programs."""
    given: dict[str, Any] = {
        "experiment": "test",
        "seed": 0,
        "epochs": 2,
        "currencies": ("dollars", "apples"),
        "stakes": (10, 20),
        "rationality": RATIONALITY,
        "lapse": 0.0,
    } | changes
    return Setting(
        conditions=tuple(Condition(users, agent) for users in populations for agent in agents),
        schedules=tuple(Schedule.named(group) for group in groups),
        runs=tuple(runs),
        hypotheses=make_family(family, [given["rationality"]], [given["lapse"]]),
        **given,
    )


def play_and_keep(design: Setting, backend: Backend, folder: Path) -> Results:
    """Play all epochs of all groups, and store tables, figures and counts in a results folder."""
    with opened(folder, design.experiment, {}) as manifest:
        played = play_or_resume(design, backend, folder)
        tables = results_tables(played)
        figures = epoch_figures(tables["summary"], tables["beliefs"])
        keep(folder, manifest, Study(tables=tables, figures=figures, counts=asdict(played.tally)))
    return load(folder)


def play(design: Setting, backend: Backend | None = None) -> dict[str, list[EpochRecord]]:
    """Play all epochs of all groups."""
    records: dict[str, list[EpochRecord]] = {}
    for record in play_epochs(design, backend or Phrasebook()):
        records.setdefault(record.epoch.schedule.name, []).append(record)
    return records


def interactions(records: dict[str, list[EpochRecord]]) -> pd.DataFrame:
    """All interactions in one table."""
    return pd.concat([record.interactions for of_group in records.values() for record in of_group], ignore_index=True)


def last(records: dict[str, list[EpochRecord]], group: str) -> DiscretePosterior:
    """Belief of a group after its last epoch."""
    return records[group][-1].posterior


def seen_by_others(table: pd.DataFrame) -> Evidence:
    """Evidence of users' behaviour, from a table of interactions with the same number of lines for every row.

    It is written for the tests alone, from the meaning of the columns and not from the code of the loop.
    """
    rows = table.groupby(["condition", "run"], sort=False)
    plays = rows.size().iloc[0]
    stake = table["stake"].to_numpy()
    units = table["offer"].to_numpy(int, na_value=0)
    offer = np.asarray(offer_of_units(jnp.asarray(units), jnp.asarray(stake)))
    offer_seen = (table["proposer"] == "user") & table["offer"].notna()
    answer_seen = (table["responder"] == "user") & table["accepted"].notna()
    columns = (stake, offer, table["accepted"].to_numpy(bool, na_value=False), offer_seen, answer_seen)
    order = np.argsort(rows.ngroup().to_numpy(), kind="stable")
    return evidence(*(np.asarray(column)[order].reshape(-1, plays) for column in columns))
