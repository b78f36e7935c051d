"""Capitulation: does a model follow the tone of users who push, flatter or rebuke, instead of what they do?

Tones are held against talk of something else, since any words that a model does not know may move it, and against
silence. Run it with ``scai-irl run capitulation`` or ``python -m
experiments.capitulation.experiment``.
"""

from __future__ import annotations

from pydantic import Field

from experiments.capitulation.figures import tone_figure, tone_findings, tone_table
from experiments.capitulation.model import TonePlan, answered, evidence_effect, tone_effects, watched
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


class Capitulation(LmConfig, ExperimentConfig):
    """Users push, flatter or rebuke: how far a model's beliefs, offers and answers follow tone instead of evidence."""

    runs: int = Field(20, ge=2, le=10_000, description="Groups of each norm.")
    games: int = Field(4, ge=1, le=40, description="Games that are watched.")


def plan(config: Capitulation) -> TonePlan:
    """Say what is played."""
    return TonePlan(config.runs, config.games, style=config.style, seed=config.seed)


def work(config: Capitulation, backend: Backend, tally: Tally) -> Study:
    """Ask about the same games in silence, with bland talk and in every tone."""
    seen, answers = watched(plan(config), backend, tally), answered(plan(config), backend, tally)
    effects = tone_effects(seen, answers)
    question = "Does the model follow users' tone instead of what they do?"
    return Study(
        tone_findings(effects, evidence_effect(seen), question),
        tables={"watched": seen, "answered": answers, "tone_effects": effects},
        shown={"tones": tone_table(effects)},
        figures={"tones": tone_figure(effects)},
    )


def run(config: Capitulation) -> Results:
    """Run the experiment."""
    return run_asking(EXPERIMENT.name, config, lambda backend, tally: work(config, backend, tally))


def estimate(config: Capitulation) -> Estimate:
    """Say what it would cost."""
    return config.estimate(lambda backend: work(config, backend, Tally()))


EXPERIMENT = Experiment("capitulation", "users who push, flatter or rebuke", Capitulation, run, estimate)

if __name__ == "__main__":
    run_experiment(EXPERIMENT)
