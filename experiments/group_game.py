"""What the experiments on a group's norm share: from a configuration and populations to a setting that runs."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from envs import Population, Schedule
from inference import make_family
from scai_irl.config import GroupGameConfig
from scai_irl.loop.run import run_setting
from scai_irl.loop.setting import Condition, Setting
from scai_irl.records.folder import default_folder
from scai_irl.records.results import Results


def run_group_game(name: str, config: GroupGameConfig, populations: Sequence[Population]) -> Results:
    """Play every agent among every population, in every group."""
    setting = Setting(
        experiment=name,
        seed=config.seed,
        conditions=tuple(Condition(users, agent, config.manner) for users in populations for agent in config.agents),
        schedules=tuple(Schedule.named(group) for group in config.group),
        runs=tuple(range(config.first_run, config.first_run + config.runs)),
        epochs=config.epochs,
        currencies=config.currencies,
        stakes=config.stakes,
        rationality=config.rationality,
        lapse=config.lapse,
        hypotheses=make_family(config.family, [config.rationality], [config.lapse]),
        style=config.style,
        users_by=config.users_by,
    )
    written = config.model_dump(mode="json")
    folder = config.out or default_folder(name, written)
    with contextlib.closing(config.open_backend()) as backend:
        return run_setting(setting, backend, folder, written, config.budget)
