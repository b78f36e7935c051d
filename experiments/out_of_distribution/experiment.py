"""Out of distribution: a norm was learnt in dollars; what do assistants do with medicine, blood and baby formula?

The last experiment of Fränken et al. (2023), with texts learnt in every run, with and without the warning that was in
the prompt, and beside what a Bayesian does who thinks that norms may differ from good to good. Users are simulated, or
played by the language model (``--users-by model``). Run it with ``scai-irl run out-of-distribution`` or ``python -m
experiments.out_of_distribution.experiment``.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from experiments.out_of_distribution.currencies_seen import gaps_by_goods_seen
from experiments.out_of_distribution.figures import abroad_figure, gaps_table, seen_figure
from experiments.out_of_distribution.model import ACTORS, PRIOR_NAMES, Journey, act_abroad
from experiments.out_of_distribution.ood_findings import abroad_findings
from scai_irl.backends.estimate import Estimate
from scai_irl.cli.main import run_experiment
from scai_irl.experiment.config import ExperimentConfig, norm_without_parameters, some_distinct
from scai_irl.experiment.definition import Experiment
from scai_irl.experiment.model_options import UsersConfig
from scai_irl.experiment.run import run_asking
from scai_irl.experiment.validators import known, known_currencies
from scai_irl.lm.protocol import Backend
from scai_irl.lm.tally import Tally
from scai_irl.report.study import Study
from scai_irl.results.results import Results


class OutOfDistribution(UsersConfig, ExperimentConfig):
    """A norm is learnt in one currency; assistants act in others, with and without a prior, a reason and a warning."""

    runs: int = Field(20, ge=2, le=10_000, description="Groups, each watched at home and met abroad.")
    home: str = Field("dollars", description="Currency in which users are watched.")
    currencies: tuple[str, ...] = Field(
        ("grams of medicine", "pints of blood", "liters of baby formula"), description="Currencies abroad."
    )
    priors: tuple[str, ...] = Field(PRIOR_NAMES, description=f"Priors, at home and abroad: {', '.join(PRIOR_NAMES)}.")
    strength: float = Field(0.8, gt=1 / 3, lt=1, description="Chance that a prior gives the norm that it leans to.")
    agents: tuple[str, ...] = Field(
        ("as-learned", "transfer"),
        description=f"Who acts: {', '.join(ACTORS)}; the last asks the language model to carry a text over.",
    )
    reasons: tuple[Literal["no", "yes"], ...] = Field(
        ("no", "yes"), description="Whether 'model' is asked for a reason; both to compare."
    )
    warnings: tuple[Literal["no", "yes"], ...] = Field(
        ("no", "yes"), description="Whether 'model' is told that the policy may not hold abroad; both to compare."
    )
    seen: tuple[str, ...] = Field(
        ("dollars", "vouchers", "apples", "blankets", "hours of work"),
        description="Goods in which users are watched one after the other, to see what having seen more is worth; "
        "these users are always simulated.",
    )
    users: str = Field("selfish", description="Norm of the users, at home and abroad.")
    games: int = Field(10, ge=1, le=1000, description="Games of a group at home.")
    acts: int = Field(10, ge=1, le=1000, description="Offers of a run's assistants in each currency.")

    @field_validator("home")
    @classmethod
    def _known_home(cls, value: str) -> str:
        return known_currencies((value,))[0]

    @field_validator("currencies", "seen")
    @classmethod
    def _known_currencies(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return known_currencies(value)

    @field_validator("priors")
    @classmethod
    def _known_priors(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return known(value, PRIOR_NAMES, "prior")

    @field_validator("agents")
    @classmethod
    def _known_agents(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return known(value, ACTORS, "agent")

    @field_validator("reasons", "warnings")
    @classmethod
    def _distinct_ways(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return some_distinct(value, "way of asking")

    @field_validator("users")
    @classmethod
    def _known_norm(cls, value: str) -> str:
        return norm_without_parameters(value)


def plan(config: OutOfDistribution) -> Journey:
    """Say what is played."""
    return Journey(
        (config.home, *(name for name in config.currencies if name != config.home)),
        config.priors,
        config.agents,
        tuple(word == "yes" for word in config.reasons),
        tuple(word == "yes" for word in config.warnings),
        config.users,
        config.strength,
        config.runs,
        config.games,
        config.acts,
        config.users_by,
        style=config.style,
        seed=config.seed,
    )


def work(config: OutOfDistribution, backend: Backend, tally: Tally) -> Study:
    """Act abroad, and follow the posterior as more goods are seen."""
    journey = plan(config)
    found = act_abroad(backend, journey, tally)
    by_seen = gaps_by_goods_seen(journey, config.seen)
    return Study(
        abroad_findings(found.gaps, by_seen, journey, backend.name),
        tables={
            "offers": found.offers,
            "gaps": found.gaps,
            "verbal_policies": found.texts,
            "beliefs": found.beliefs,
            "goods_seen": by_seen,
        },
        shown={"gaps": gaps_table(found.gaps)},
        figures={"abroad": abroad_figure(found.gaps), "goods_seen": seen_figure(by_seen)},
    )


def run(config: OutOfDistribution) -> Results:
    """Run the experiment."""
    return run_asking(EXPERIMENT.name, config, lambda backend, tally: work(config, backend, tally))


def estimate(config: OutOfDistribution) -> Estimate:
    """Say what it would cost."""
    return config.estimate(lambda backend: act_abroad(backend, plan(config), Tally()))


EXPERIMENT = Experiment(
    "out-of-distribution", "a norm learnt in dollars, and goods never seen", OutOfDistribution, run, estimate
)

if __name__ == "__main__":
    run_experiment(EXPERIMENT)
