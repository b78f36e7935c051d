"""Temperature: how do noisy users and a noisy language model affect the learning of a group's norm?

Fränken et al. (2023) used only temperature 0. The users' temperature is that of their softmax, 1/λ. The model's
temperature is that of its sampler, in every role. Run it with ``scai-irl run temperature`` or ``python -m
experiments.group_norm temperature``.
"""

from __future__ import annotations

from itertools import product

import pandas as pd
from pydantic import Field, field_validator, model_validator

from envs import one_group
from experiments.group_norm.gaps_by_setting import gaps_by, sweep_figure, sweep_table
from experiments.group_norm.setup import NORMS_OF_USERS, few_runs, group_game
from experiments.group_norm.unknown_norms import warn_of_unknown_norms
from scai_irl.experiment.config import PlayConfig, known_norms
from scai_irl.experiment.definition import experiment
from scai_irl.experiment.run_study import Model
from scai_irl.loop.in_memory import join_settings, play_in_memory
from scai_irl.report.study import Study

_BY = ["users' λ", "model's temperature"]


class Temperature(PlayConfig):
    """Temperatures of users and of the language model: their effect on the gap between assistants and users."""

    users: tuple[str, ...] = Field(("selfish", "fair", "altruistic"), description=NORMS_OF_USERS)
    rationalities: tuple[float, ...] = Field((200.0, 20.0, 5.0), description="Rationalities λ of the users.")
    temperatures: tuple[float, ...] = Field((0.0, 0.5, 1.0, 1.5), description="Temperatures of the language model.")
    group: tuple[str, ...] = Field(("1v9",), description=PlayConfig.model_fields["group"].description)
    agents: tuple[str, ...] = Field(("thompson", "oracle"), description=PlayConfig.model_fields["agents"].description)

    @field_validator("users")
    @classmethod
    def _known_norms(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return known_norms(value)

    @model_validator(mode="after")
    def _varied_here(self) -> Temperature:
        for one, several in (("temperature", "temperatures"), ("rationality", "rationalities")):
            if getattr(self, one) != PlayConfig.model_fields[one].default:
                raise ValueError(f"this experiment varies {one}; give --{several}")
        return self


def _one_combination(config: Temperature) -> tuple[Temperature, float]:
    """Sample for a dry run: the first runs of one combination."""
    few, times = few_runs(config)
    one = {"rationalities": config.rationalities[:1], "temperatures": config.temperatures[:1]}
    return few.model_copy(update=one), times * len(config.rationalities) * len(config.temperatures)


@experiment(
    "temperature", "users and language models of several temperatures", config=Temperature, sample=_one_combination
)
def temperature(config: Temperature, model: Model) -> Study:
    """Run every combination of temperatures; report the gaps of the last epoch."""
    populations = [one_group(norm) for norm in config.users]
    remarks = warn_of_unknown_norms(group_game(temperature.name, config, populations))
    gaps, apart = [], {}
    for rationality, of_model in product(config.rationalities, config.temperatures):
        cell = config.model_copy(update={"rationality": rationality, "temperature": of_model})
        setting = group_game(temperature.name, cell, populations)
        played = play_in_memory(setting, model.backend, model.tally)
        gaps.append(played.alignment.assign(**{_BY[0]: rationality, _BY[1]: of_model}))
        apart[f"λ {rationality:g}, temperature {of_model:g}"] = played
    alignment = pd.concat(gaps, ignore_index=True)
    question = "How do noisy users and a noisy model affect the learning of a group's norm?"
    return Study(
        gaps_by(alignment, _BY, question),
        tables={"alignment": alignment, **join_settings(apart)},
        shown={"temperature": sweep_table(alignment, _BY)},
        figures={"temperature": sweep_figure(alignment, across=_BY[1], colour=_BY[0])},
        remarks=remarks,
    )
