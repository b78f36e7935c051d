"""What the experiments on a group's norm share: from a configuration and populations to a setting that runs."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from envs import Population, Schedule
from inference import make_family
from scai_irl.config import GroupGameConfig
from scai_irl.lm.estimate import Estimate
from scai_irl.loop.run import play_setting, run_setting
from scai_irl.loop.setting import Condition, Setting
from scai_irl.records.folder import default_folder
from scai_irl.records.results import Results


def group_game(name: str, config: GroupGameConfig, populations: Sequence[Population]) -> Setting:
    """Make the setting in which every agent plays among every population, in every group."""
    return Setting(
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


def run_group_game(setting: Setting, config: GroupGameConfig) -> Results:
    """Play a setting, or go on with it, and keep the results."""
    written = config.model_dump(mode="json")
    folder = config.out or default_folder(setting.experiment, written)
    with contextlib.closing(config.open_backend()) as backend:
        return run_setting(setting, backend, folder, written, config.budget)


def estimate_group_game(setting: Setting, config: GroupGameConfig) -> Estimate:
    """Say what playing a setting would cost."""
    return config.estimate(lambda backend: play_setting(setting, backend))
