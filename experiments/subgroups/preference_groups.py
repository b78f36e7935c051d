"""Several preference groups: what does the group that is served worst get, as the minority becomes smaller?

A majority and a minority with norms of their own are served by one norm for all, by one mixture for all, or each by the
norm of its group, as it is inferred from their games. Run it with ``scai-irl run preference-groups`` or ``python -m
experiments.subgroups.preference_groups``.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from experiments.subgroups.pooled_norms import MinorityPlan, preference_groups
from experiments.subgroups.pooled_norms_figures import minority_figure, minority_findings, minority_table
from experiments.subgroups.setup import members
from scai_irl.cli.main import run_experiment
from scai_irl.experiment.config import ExperimentConfig, some_distinct
from scai_irl.experiment.definition import Experiment
from scai_irl.experiment.run import run_study
from scai_irl.report.study import Study
from scai_irl.results.results import Results

_USUAL = MinorityPlan()
NormName = Literal["selfish", "fair", "altruistic"]


class PreferenceGroups(ExperimentConfig):
    """Several preference groups: the worst-served group under one pooled norm and under group norms."""

    majority: NormName = Field("altruistic", description="Norm of the majority.")
    minority: NormName = Field("selfish", description="Norm of the minority.")
    shares: tuple[float, ...] = Field(_USUAL.shares, description="Shares of the users who are the minority.")
    held: tuple[Literal["firmly", "loosely"], ...] = Field(
        ("firmly", "loosely"), description="How norms are held: firmly (λ 200, no slips), loosely (λ 5, 25 % slips)."
    )
    societies: int = Field(_USUAL.societies, ge=1, le=10_000, description="Societies of each kind.")
    users: int = Field(_USUAL.users, ge=2, le=1000, description="Users of a society.")
    games: int = Field(
        _USUAL.games, ge=1, le=1000, description="Games of each user, as proposer and as responder each."
    )

    @field_validator("minority")
    @classmethod
    def _another_norm(cls, value: str, others: ValidationInfo) -> str:
        if value == others.data.get("majority"):
            raise ValueError(f"{value} is the majority's norm too; give another one")
        return value

    @field_validator("shares")
    @classmethod
    def _shares_of_a_minority(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        for share in value:
            if not 0 < share <= 0.5:
                raise ValueError(f"{share:g} is no share of a minority; give more than 0 and 0.5 at most")
        some_distinct(tuple(f"{share:g}" for share in value), "share")
        return value

    @field_validator("held")
    @classmethod
    def _distinct(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return some_distinct(value, "way to hold norms")

    @field_validator("users")
    @classmethod
    def _somebody_in_each_group(cls, value: int, others: ValidationInfo) -> int:
        for share in others.data.get("shares", ()):
            members(_USUAL.population(share), value)
        return value


def run(config: PreferenceGroups) -> Results:
    """Run the experiment."""
    return run_study(EXPERIMENT.name, config, lambda: study(config))


def study(config: PreferenceGroups) -> Study:
    """Serve majorities and minorities; say what the worst-served group gets."""
    served = preference_groups(MinorityPlan(**config.model_dump(exclude={"out"})))
    return Study(
        findings=minority_findings(served),
        tables={"served": served},
        shown={"served": minority_table(served)},
        figures={"worst_group": minority_figure(served)},
    )


EXPERIMENT = Experiment(
    "preference-groups", "the worst-served group as the minority becomes smaller", PreferenceGroups, run
)

if __name__ == "__main__":
    run_experiment(EXPERIMENT)
