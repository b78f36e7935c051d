"""One epoch of an experiment: the setting, the group and the number, which the functions of the loop share."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Array, Key

from envs.schedule import Schedule
from envs.seeds import derive_key, derive_seed
from scai_irl.loop.setting import Condition, Setting


@dataclass(frozen=True)
class Epoch:
    """One epoch of all runs of all conditions in one group.

    Attributes:
        setting: The experiment.
        schedule: The group.
        number: Number of the epoch, from 1; 0 stands for the state before the first epoch.
    """

    setting: Setting
    schedule: Schedule
    number: int

    def condition_name(self, condition: Condition) -> str:
        """Name of a condition in this group."""
        return condition.name(self.schedule.name)

    def seed(self, row: int, *path: str | int) -> int:
        """Derive a seed from a row's condition, its run, this epoch and a path."""
        setting = self.setting
        condition, run = divmod(row, len(setting.runs))
        name = self.condition_name(setting.conditions[condition])
        return derive_seed(setting.seed, setting.experiment, name, setting.runs[run], self.number, *path)

    def choice_key(self, condition: Condition) -> Key[Array, ""]:
        """Derive the random key of a condition's choices in this epoch."""
        setting = self.setting
        return derive_key(setting.seed, setting.experiment, self.condition_name(condition), "choice", self.number)
