"""Priors, temperatures and populations: what does a prior cost, at home and abroad?

An ablation that Fränken et al. (2023) left open: priors that lean to a norm or to none, for users with one norm and
with two, more and less rational. No language model is asked. Run it with ``scai-irl run prior-ablation`` or ``python -m
experiments.prior_ablation.experiment``.
"""

from __future__ import annotations

from pydantic import Field, ValidationInfo, field_validator, model_validator

from experiments.out_of_distribution.model import FLAT
from experiments.prior_ablation.figures import (
    ablation_findings,
    abroad_figure,
    abroad_table,
    belief_figure,
    gap_figure,
    speed_table,
)
from experiments.prior_ablation.model import Ablation, ablate
from scai_irl.cli.main import run_experiment
from scai_irl.experiment.config import ExperimentConfig, some_distinct
from scai_irl.experiment.definition import Experiment
from scai_irl.experiment.run import run_study
from scai_irl.experiment.validators import known, known_currencies, read_users
from scai_irl.report.study import Study
from scai_irl.results.results import Results


class PriorAblation(ExperimentConfig):
    """Priors against users' norms and temperatures: games until the truth is believed, gaps by epoch, gaps abroad."""

    runs: int = Field(100, ge=2, le=10_000, description="Groups of each population under each temperature.")
    users: tuple[str, ...] = Field(
        ("selfish", "fair", "altruistic", "selfish=0.5,altruistic=0.5", "selfish=0.2,altruistic=0.8"),
        description="Populations: norms, or mixtures as norm=weight pairs; they are the hypotheses, too.",
    )
    priors: tuple[str, ...] = Field(
        (FLAT, "selfish", "fair", "altruistic"),
        description=f"Priors: {FLAT}, or the norm among users that one leans to.",
    )
    strength: float = Field(0.8, gt=0, lt=1, description="Chance of that norm, among users with one.")
    several: float = Field(0.2, gt=0, lt=1, description="Chance that every prior gives to users with several norms.")
    rationality: tuple[float, ...] = Field(
        (200.0, 20.0, 5.0), description="Rationalities of the users, sharpest first."
    )
    lapse: tuple[float, ...] = Field((0.0, 0.25), description="Chances that a user slips, lowest first.")
    epochs: int = Field(20, ge=1, le=1000, description="Epochs of a run.")
    games: int = Field(10, ge=1, le=1000, description="Games in an epoch.")
    home: str = Field("dollars", description="Currency in which users are watched.")
    currencies: tuple[str, ...] = Field(
        ("dollars", "grams of medicine", "liters of baby formula", "pints of blood"),
        description="Currencies in which gaps are computed after the last epoch.",
    )

    @field_validator("users")
    @classmethod
    def _sound_users(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        some_distinct(tuple(str(read_users(text)) for text in value), "population")
        if len(value) < 2:
            raise ValueError("one population leaves nothing to learn; give two or more")
        return value

    @field_validator("home")
    @classmethod
    def _known_home(cls, value: str) -> str:
        return known_currencies((value,))[0]

    @field_validator("currencies")
    @classmethod
    def _known_currencies(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return known_currencies(value)

    @field_validator("rationality", "lapse")
    @classmethod
    def _sound_numbers(cls, value: tuple[float, ...], info: ValidationInfo) -> tuple[float, ...]:
        most = 1.0 if info.field_name == "lapse" else 1e6
        if not value or len(set(value)) < len(value) or not 0 <= min(value) <= max(value) <= most:
            raise ValueError(f"{value} does not fit; give different numbers from 0 to {most:g}")
        return value

    @model_validator(mode="after")
    def _known_priors(self) -> PriorAblation:
        known(self.priors, (FLAT, *(text for text in self.users if "=" not in text)), "prior")
        return self


def plan(config: PriorAblation) -> Ablation:
    """Say what is varied."""
    names = ("priors", "strength", "several", "rationality", "lapse", "runs", "epochs", "games", "home", "currencies")
    told = {name: getattr(config, name) for name in names}
    users = tuple((text, read_users(text)) for text in config.users)
    return Ablation(users, **told, seed=config.seed)


def work(config: PriorAblation) -> Study:
    """Run everything at once, and tell."""
    design = plan(config)
    found = ablate(design)
    most = design.epochs * design.games
    return Study(
        ablation_findings(design, found),
        tables=found._asdict(),
        shown={"games_needed": speed_table(found.games, most), "gap_abroad": abroad_table(found.abroad)},
        figures={
            "belief": belief_figure(found.epochs),
            "gap": gap_figure(found.epochs),
            "abroad": abroad_figure(found.abroad),
        },
    )


def run(config: PriorAblation) -> Results:
    """Run the experiment."""
    return run_study(EXPERIMENT.name, config, lambda: work(config))


EXPERIMENT = Experiment(
    "prior-ablation", "what priors cost: norms, mixtures, temperatures, goods abroad", PriorAblation, run
)

if __name__ == "__main__":
    run_experiment(EXPERIMENT)
