"""Layered contracts: should an assistant follow the norms of its role, or what people want?

Law, the floor of a role and what a person would give are three layers, and each may keep the next from having its way.
An assistant infers all of them from what people do in roles, acts for them, and names the conflicts. Run it with
``scai-irl run layered-contracts`` or ``python -m experiments.layered_contracts.experiment``.
"""

from __future__ import annotations

from pydantic import Field, field_validator

from experiments.layered_contracts.figures import (
    conflict_table,
    contract_figure,
    contract_findings,
    contract_table,
    named_conflicts,
    reliability_figure,
)
from experiments.layered_contracts.model import ContractPlan, layered_contracts
from inference.structured.layers import LayerGrid
from scai_irl.cli.main import run_experiment
from scai_irl.experiment.config import ExperimentConfig
from scai_irl.experiment.definition import Experiment
from scai_irl.experiment.game_counts import rising
from scai_irl.experiment.run import run_study
from scai_irl.report.study import Study
from scai_irl.results.results import Results

_USUAL, _GRID = ContractPlan(), LayerGrid()


class LayeredContracts(ExperimentConfig):
    """Layered contracts: law, role floors and preferences inferred, acted on, and their conflicts named."""

    societies: int = Field(_USUAL.societies, ge=1, le=10_000, description="Societies, each with layers of its own.")
    people: int = Field(_USUAL.people, ge=1, le=100, description="People of a society, each with a target.")
    roles: int = Field(_USUAL.roles, ge=1, le=3, description="Roles of a society, each with a floor.")
    games: tuple[int, ...] = Field(
        _USUAL.games, description="Numbers of games of each person in each role after which the assistant acts."
    )
    law_strength: float = Field(_GRID.strengths[0], ge=0, le=100, description="What a share less than the law costs.")
    role_strength: float = Field(_GRID.strengths[1], ge=0, le=100, description="What a share below the floor costs.")
    preference_strength: float = Field(
        _GRID.strengths[2], ge=0, le=100, description="What a share beside the own target costs."
    )
    rationality: float = Field(_GRID.rationality, ge=0, le=1e6, description="Rationality of people.")
    lapse: float = Field(_GRID.lapse, ge=0, le=1, description="Chance that a person slips and offers anything.")

    @field_validator("games")
    @classmethod
    def _rising_games(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        return rising(value, 1, 1000, "games")


def run(config: LayeredContracts) -> Results:
    """Run the experiment."""
    return run_study(EXPERIMENT.name, config, lambda: study(config))


def study(config: LayeredContracts) -> Study:
    """Infer layers and act by them; say what was kept, reached and named."""
    strengths = (config.law_strength, config.role_strength, config.preference_strength)
    grid = LayerGrid(strengths=strengths, rationality=config.rationality, lapse=config.lapse)
    plan = ContractPlan(config.societies, config.people, config.roles, config.games, grid, config.seed)
    done, conflicts = layered_contracts(plan)
    return Study(
        findings=contract_findings(done, conflicts),
        tables={"done": done, "conflicts": conflicts},
        shown={
            "done": contract_table(done),
            "conflicts": conflict_table(conflicts),
            "conflicts_named": named_conflicts(conflicts),
        },
        figures={"compliance": contract_figure(done), "reliability": reliability_figure(conflicts)},
    )


EXPERIMENT = Experiment(
    "layered-contracts", "law, role floors and preferences inferred, acted on, conflicts named", LayeredContracts, run
)

if __name__ == "__main__":
    run_experiment(EXPERIMENT)
