"""Temperature: what do noisy users, and a noisy language model, do to learning a group's norm?

An open question of Fränken et al. (2023), who had temperature 0 alone. Users' temperature is that of their softmax,
1/λ; the model's is that of its sampler, in every role. Run it with ``scai-irl run temperature`` or ``python -m
experiments.group_norm.temperature``.
"""

from __future__ import annotations

from itertools import product

import pandas as pd
from pydantic import Field, field_validator, model_validator

from envs import one_group
from experiments.group_norm.gap_figures import sweep_figure
from experiments.group_norm.gaps_by_setting import gaps_by, sweep_table
from experiments.group_norm.setup import estimate_whole, group_game
from scai_irl.backends.estimate import Estimate
from scai_irl.cli.main import run_experiment
from scai_irl.experiment.config import PlayConfig, norm_without_parameters, some_distinct
from scai_irl.experiment.definition import Experiment
from scai_irl.experiment.run import run_asking
from scai_irl.lm.protocol import Backend
from scai_irl.lm.tally import Tally
from scai_irl.loop.in_memory import join_settings, play_in_memory
from scai_irl.loop.setting import Setting
from scai_irl.report.study import Study
from scai_irl.results.results import Results

_BY = ["users' λ", "model's temperature"]


class Temperature(PlayConfig):
    """Temperature of users and of the language model: how near assistants come to their users, and how soon."""

    users: tuple[str, ...] = Field(("selfish", "fair", "altruistic"), description="Norms, each shared by all users.")
    rationalities: tuple[float, ...] = Field((200.0, 20.0, 5.0), description="Rationalities λ of the users.")
    temperatures: tuple[float, ...] = Field((0.0, 0.5, 1.0, 1.5), description="Temperatures of the language model.")
    group: tuple[str, ...] = Field(("1v9",), description=PlayConfig.model_fields["group"].description)
    agents: tuple[str, ...] = Field(("thompson", "oracle"), description=PlayConfig.model_fields["agents"].description)

    @field_validator("users")
    @classmethod
    def _known_norms(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return some_distinct(tuple(norm_without_parameters(name) for name in value), "policy")

    @model_validator(mode="after")
    def _varied_here(self) -> Temperature:
        for one, several in (("temperature", "temperatures"), ("rationality", "rationalities")):
            if getattr(self, one) != PlayConfig.model_fields[one].default:
                raise ValueError(f"{one} is what this experiment varies; give --{several}")
        return self


def setting(config: Temperature) -> Setting:
    """Make the setting of one combination."""
    return group_game(EXPERIMENT.name, config, [one_group(norm) for norm in config.users])


def work(config: Temperature, backend: Backend, tally: Tally) -> Study:
    """Play every combination."""
    gaps, apart = [], {}
    for rationality, temperature in product(config.rationalities, config.temperatures):
        cell = config.model_copy(update={"rationality": rationality, "temperature": temperature})
        played = play_in_memory(setting(cell), backend, tally)
        gaps.append(played.alignment.assign(**{_BY[0]: rationality, _BY[1]: temperature}))
        apart[f"λ {rationality:g}, temperature {temperature:g}"] = played
    alignment = pd.concat(gaps, ignore_index=True)
    findings = gaps_by(alignment, _BY, "What do noisy users, and a noisy model, do to learning a group's norm?")
    return Study(
        findings,
        tables={"alignment": alignment, **join_settings(apart)},
        shown={"temperature": sweep_table(alignment, _BY)},
        figures={"temperature": sweep_figure(alignment, across=_BY[1], colour=_BY[0])},
    )


def run(config: Temperature) -> Results:
    """Run the experiment."""
    return run_asking(EXPERIMENT.name, config, lambda backend, tally: work(config, backend, tally))


def estimate(config: Temperature) -> Estimate:
    """Say what it would cost: one combination's cost, times all of them."""
    return estimate_whole(setting(config), config, len(config.rationalities) * len(config.temperatures))


EXPERIMENT = Experiment("temperature", "users and language models of several temperatures", Temperature, run, estimate)

if __name__ == "__main__":
    run_experiment(EXPERIMENT)
