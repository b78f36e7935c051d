"""Degree and way of inconsistency: how much does talk at odds with a norm slow learning down, and whom?

An open question of Fränken et al. (2023). Bayesians who do not listen, who trust talk and who find out how far it can
be trusted watch the same groups as a language model. Run it with ``scai-irl run language-and-learning`` or ``python -m
experiments.inconsistent_talk.experiment``.
"""

from __future__ import annotations

import pandas as pd
from pydantic import Field, field_validator

from experiments.inconsistent_talk.figures import speed_figure, speed_findings, speed_table
from experiments.inconsistent_talk.model import (
    TalkPlan,
    asked_after,
    beliefs_of_bayesians,
    beliefs_of_model,
    games_needed,
)
from scai_irl.backends.estimate import Estimate
from scai_irl.cli.main import run_experiment
from scai_irl.experiment.config import ExperimentConfig
from scai_irl.experiment.definition import Experiment
from scai_irl.experiment.model_options import LmConfig
from scai_irl.experiment.run import run_asking
from scai_irl.lm.protocol import Backend
from scai_irl.lm.tally import Tally
from scai_irl.report.study import Study
from scai_irl.results.results import Results


class LanguageAndLearning(LmConfig, ExperimentConfig):
    """Talk at odds with norms, in degrees and ways: games that Bayesians and a language model need to learn a norm."""

    runs: int = Field(20, ge=2, le=10_000, description="Groups of each norm, way and degree.")
    degrees: tuple[float, ...] = Field(
        (0.0, 0.25, 0.5, 0.75, 1.0), description="Shares of messages that need not fit the norm."
    )
    games: int = Field(40, ge=1, le=40, description="Games of a group.")

    @field_validator("degrees")
    @classmethod
    def _shares(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if not value or list(value) != sorted(set(value)) or not 0 <= value[0] <= value[-1] <= 1:
            raise ValueError(f"{value} are not shares that rise; give some from 0 to 1, such as 0 0.5 1")
        return value


def plan(config: LanguageAndLearning) -> TalkPlan:
    """Say what is played."""
    lengths = tuple(length for length in TalkPlan().lengths if length <= config.games)
    return TalkPlan(config.runs, config.degrees, config.games, lengths, config.style, config.seed)


def work(config: LanguageAndLearning, backend: Backend, tally: Tally) -> Study:
    """Have everybody watch."""
    watched = plan(config)
    beliefs = pd.concat([beliefs_of_bayesians(watched), beliefs_of_model(watched, backend, tally)], ignore_index=True)
    needed = games_needed(beliefs)
    question = "How many games does it take to learn a norm from users whose talk is at odds with it?"
    return Study(
        speed_findings(needed, config.games, question, asked_after(beliefs)),
        tables={"beliefs_by_game": beliefs, "games_needed": needed},
        shown={"games_needed": speed_table(needed, config.games)},
        figures={"games_needed": speed_figure(needed, config.games)},
    )


def run(config: LanguageAndLearning) -> Results:
    """Run the experiment."""
    return run_asking(EXPERIMENT.name, config, lambda backend, tally: work(config, backend, tally))


def estimate(config: LanguageAndLearning) -> Estimate:
    """Say what it would cost."""
    return config.estimate(lambda backend: beliefs_of_model(plan(config), backend, Tally()))


EXPERIMENT = Experiment(
    "language-and-learning", "talk at odds with norms, in degrees and ways", LanguageAndLearning, run, estimate
)

if __name__ == "__main__":
    run_experiment(EXPERIMENT)
