"""Subgroups with distinct norms: are they found in what users do, and is each served by a norm of its own?

Social Contract AI (Fränken et al. 2023) closes with groups whose members hold different norms; its one assistant swung
between them. Here users keep their norms and play, nobody says who holds which, and each group that is found has an
assistant that draws the group's norm, puts it into words and follows the words. Users are simulated, or played by the
language model (``--users-by model``). Run it with ``scai-irl run
subgroup-norms`` or ``python -m experiments.subgroups.subgroup_norms``.
"""

from __future__ import annotations

import functools
from typing import Literal

from pydantic import Field, ValidationInfo, field_validator

from experiments.subgroups.group_service import ServicePlan, group_service
from experiments.subgroups.group_service_figures import (
    found_figure,
    found_table,
    service_figure,
    service_findings,
    service_table,
)
from experiments.subgroups.setup import HELD, members, named
from scai_irl.backends.estimate import Estimate
from scai_irl.cli.main import run_experiment
from scai_irl.experiment.config import ExperimentConfig, read_mixture, some_distinct
from scai_irl.experiment.definition import Experiment
from scai_irl.experiment.game_counts import rising
from scai_irl.experiment.model_options import UsersConfig
from scai_irl.experiment.run import run_asking
from scai_irl.lm.protocol import Backend
from scai_irl.lm.tally import Tally
from scai_irl.report.study import Study
from scai_irl.results.results import Results


class SubgroupNorms(UsersConfig, ExperimentConfig):
    """Subgroups with distinct norms: found in users' games, and each served by an assistant with the group's norm."""

    mixtures: tuple[str, ...] = Field(
        (
            "altruistic=0.5,selfish=0.5",
            "altruistic=0.8,selfish=0.2",
            "altruistic=0.2,selfish=0.8",
            "selfish=0.5,fair=0.5",
        ),
        description="Norms that users hold, as norm=share pairs; the shares of each sum to 1.",
    )
    held: tuple[Literal["firmly", "loosely"], ...] = Field(
        ("firmly", "loosely"), description="How norms are held: firmly (λ 200, no slips), loosely (λ 5, 25 % slips)."
    )
    societies: int = Field(20, ge=1, le=10_000, description="Societies of each kind.")
    users: int = Field(20, ge=2, le=1000, description="Users of a society.")
    games: tuple[int, ...] = Field(
        (1, 2, 4, 8), description="Games of each user, as proposer and as responder each, after which users are served."
    )
    offers: int = Field(5, ge=1, le=1000, description="Offers that each assistant makes.")

    @field_validator("mixtures")
    @classmethod
    def _sound_mixtures(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        some_distinct(tuple(named(read_mixture(text)) for text in value), "mixture")
        return value

    @field_validator("held")
    @classmethod
    def _distinct(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return some_distinct(value, f"of {', '.join(HELD)}")

    @field_validator("users")
    @classmethod
    def _somebody_in_each_group(cls, value: int, others: ValidationInfo) -> int:
        for text in others.data.get("mixtures", ()):
            members(read_mixture(text), value)
        return value

    @field_validator("games")
    @classmethod
    def _rising_games(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        return rising(value, 0, 1000, "games")


def plan(config: SubgroupNorms) -> ServicePlan:
    """Say what is simulated and asked."""
    return ServicePlan(
        populations=tuple(map(read_mixture, config.mixtures)),
        held=config.held,
        societies=config.societies,
        users=config.users,
        games=config.games,
        offers=config.offers,
        users_by=config.users_by,
        style=config.style,
        seed=config.seed,
    )


def run(config: SubgroupNorms) -> Results:
    """Run the experiment."""
    return run_asking(EXPERIMENT.name, config, functools.partial(study, config))


def study(config: SubgroupNorms, backend: Backend, tally: Tally) -> Study:
    """Find groups and serve them; say what came of it."""
    planned = plan(config)
    service, found = group_service(backend, planned, tally)
    return Study(
        findings=service_findings(service, found, planned.populations),
        tables={"service": service, "groups_found": found},
        shown={"service": service_table(service), "groups_found": found_table(found)},
        figures={"gap_by_games": service_figure(service), "groups_found": found_figure(found)},
    )


def estimate(config: SubgroupNorms) -> Estimate:
    """Say what it would cost."""
    return config.estimate(lambda backend: group_service(backend, plan(config), Tally()))


EXPERIMENT = Experiment(
    "subgroup-norms", "users in groups with norms of their own, found and served", SubgroupNorms, run, estimate
)

if __name__ == "__main__":
    run_experiment(EXPERIMENT)
