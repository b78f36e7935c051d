"""Aligned to people: can an assistant answer offers as people do, from a policy in words that was learnt from them?

Social preferences are fitted to half of the people, drawn from the posterior, put into words and acted on; answers are
held against the other half. Run it with ``scai-irl run aligned-to-people --data PATH`` or ``python -m
experiments.people.aligned_to_people``.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pydantic import Field, field_validator

from experiments.people.alignment_to_people import (
    PeoplePlan,
    aligned_answers,
    alignment_figure,
    alignment_findings,
    alignment_table,
    halves,
)
from experiments.people.fits import PREFERENCES
from experiments.people.fits_folder import read_people
from scai_irl.backends.estimate import Estimate
from scai_irl.cli.main import run_experiment
from scai_irl.data.human.choices import subjects
from scai_irl.experiment.config import ExperimentConfig, some_distinct
from scai_irl.experiment.definition import Experiment
from scai_irl.experiment.model_options import LmConfig
from scai_irl.experiment.run import run_asking
from scai_irl.lm.protocol import Backend
from scai_irl.lm.tally import Tally
from scai_irl.report.study import Study
from scai_irl.results.results import Results


class AlignedToPeople(LmConfig, ExperimentConfig):
    """Assistants that follow, in words, preferences fitted to people, beside other people and the three norms."""

    data: Path = Field(description="Folder made by `scai-irl import human`, or a data file, with answers to offers.")
    source: str = Field("heffner", description="Data set that a data file is of: heffner, moblab.")
    families: tuple[str, ...] = Field(
        ("fehr-schmidt", "charness-rabin"), description="Families that are fitted: " + ", ".join(PREFERENCES) + "."
    )
    method: str = Field("nuts", description="Method of inference: nuts, laplace, smc, svi.")
    assistants: int = Field(100, ge=2, le=10_000, description="Assistants of each kind.")

    @field_validator("families")
    @classmethod
    def _known_families(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name not in PREFERENCES:
                raise ValueError(f"unknown family {name!r}; there are {', '.join(PREFERENCES)}")
        return some_distinct(value, "family")


def plan(config: AlignedToPeople) -> PeoplePlan:
    """Say what is tried."""
    return PeoplePlan(config.families, config.method, config.assistants, config.style, config.seed)


def work(config: AlignedToPeople, backend: Backend, tally: Tally) -> Study:
    """Fit, translate and answer."""
    choices = read_people(config.data, config.source, None, config.seed).choices
    answers = aligned_answers(choices, plan(config), backend, tally)
    people = int(subjects(halves(choices, config.seed)[1]).max()) + 1
    question = "Do assistants that follow fitted preferences in words answer offers as people do?"
    return Study(
        alignment_findings(answers, people, question),
        tables={"acceptance": answers},
        shown={"acceptance": alignment_table(answers)},
        figures={"acceptance": alignment_figure(answers)},
    )


def run(config: AlignedToPeople) -> Results:
    """Run the experiment."""
    return run_asking(EXPERIMENT.name, config, lambda backend, tally: work(config, backend, tally))


def estimate(config: AlignedToPeople) -> Estimate:
    """Say what it would cost; policies fitted by the quickest method are as long in words as those by another."""
    choices = read_people(config.data, config.source, None, config.seed).choices
    quick = replace(plan(config), method="laplace")
    return config.estimate(lambda backend: aligned_answers(choices, quick, backend, Tally()))


EXPERIMENT = Experiment(
    "aligned-to-people", "assistants that answer offers as people do, from words", AlignedToPeople, run, estimate
)

if __name__ == "__main__":
    run_experiment(EXPERIMENT)
