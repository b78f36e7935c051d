"""Changing norms: how soon do assistants follow users who change their norm during a run?

Fränken et al. (2023) left several policies within one run as an open question. A Bayesian who expects no change needs
as much evidence for the new norm as it has for the old one. A Bayesian who expects changes
(`inference.discrete.changing`) needs one epoch. Run it with ``scai-irl run changing-norms`` or ``python -m
experiments.group_norm changing-norms``.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pandas as pd
from pydantic import Field, ValidationInfo, field_validator

from envs import one_group
from envs.norm_names import norm_name
from experiments.group_norm.gaps_by_setting import epochs_figure
from experiments.group_norm.recovery import recovery_findings, recovery_table
from experiments.group_norm.setup import few_runs, group_game
from experiments.group_norm.unknown_norms import warn_of_unknown_norms
from scai_irl.experiment.config import PlayConfig, some_distinct
from scai_irl.experiment.definition import experiment
from scai_irl.experiment.run_study import Model
from scai_irl.loop.in_memory import join_settings, play_in_memory
from scai_irl.loop.setting import Condition, Setting
from scai_irl.report.study import Study

_HAZARD = "expected chance of change"


class ChangingNorms(PlayConfig):
    """Users change their norm during a run; some assistants expect it and some do not."""

    changes: tuple[str, ...] = Field(
        ("selfish>altruistic", "altruistic>fair", "fair>selfish"),
        description="Norms before and after, as 'OLD>NEW' in quotes.",
    )
    change_at: int = Field(5, ge=2, validate_default=True, description="First epoch of the new norm.")
    hazards: tuple[float, ...] = Field(
        (0.0, 0.1), description="Probabilities of a change per epoch that assistants with a posterior expect."
    )
    epochs: int = Field(12, ge=3, le=1000, description=PlayConfig.model_fields["epochs"].description)
    group: tuple[str, ...] = Field(("1v9",), description=PlayConfig.model_fields["group"].description)
    agents: tuple[str, ...] = Field(
        ("thompson", "scai", "scai-memory"), description=PlayConfig.model_fields["agents"].description
    )

    @field_validator("change_at")
    @classmethod
    def _within_the_run(cls, value: int, others: ValidationInfo) -> int:
        last = others.data.get("epochs", value)
        if value > last:
            raise ValueError(f"epoch {value} is after the last epoch, {last}; give {last} or less, or more epochs")
        return value

    @field_validator("changes")
    @classmethod
    def _two_norms_each(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for change in value:
            norms = change.split(">")
            if len(norms) != 2 or len(set(norms)) < 2:
                raise ValueError(f"{change!r} is no change; write it in quotes, as in 'selfish>altruistic'")
            for norm in norms:
                norm_name(norm)
        return some_distinct(value, "change")


def _one_hazard(config: ChangingNorms) -> tuple[ChangingNorms, float]:
    """Sample for a dry run: the first runs with one expectation of change."""
    few, times = few_runs(config)
    return few.model_copy(update={"hazards": config.hazards[:1]}), times * len(config.hazards)


@experiment(
    "changing-norms", "users change their norm in the middle of a run", config=ChangingNorms, sample=_one_hazard
)
def changing_norms(config: ChangingNorms, model: Model) -> Study:
    """Run all changes with every expected probability of change; report how long assistants lag behind."""
    plain = setting(config)
    remarks = warn_of_unknown_norms(plain)
    played = {
        hazard: play_in_memory(replace(plain, hazard=hazard), model.backend, model.tally) for hazard in config.hazards
    }
    gaps = [whole.alignment.assign(**{_HAZARD: hazard}) for hazard, whole in played.items()]
    alignment = pd.concat(gaps, ignore_index=True)
    apart = {f"expects a change with {hazard:g}": whole for hazard, whole in played.items()}
    question = "How soon do assistants follow users whose norm changes during a run?"
    return Study(
        recovery_findings(alignment, [_HAZARD], config.change_at, question),
        tables={"alignment": alignment, **join_settings(apart)},
        shown={"recovery": recovery_table(alignment, [_HAZARD], config.change_at)},
        figures={"changing_norms": epochs_figure(alignment, _HAZARD)},
        remarks=remarks,
    )


def setting(config: ChangingNorms) -> Setting:
    """Make the setting, in which assistants expect no change."""
    plain = group_game(changing_norms.name, config, [])
    pairs = [tuple(map(one_group, change.split(">"))) for change in config.changes]
    conditions = tuple(
        Condition(before, agent, later=((config.change_at, after),))
        for (before, after), agent in product(pairs, config.agents)
    )
    return replace(plain, conditions=conditions)
