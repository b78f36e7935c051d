"""Response types: what becomes of an inferred preference where some answers are no preferences?

People answer some items by what they prefer, some by tossing a coin and some by how they are asked. Envy is inferred
from all answers, and by a model that sorts items by type. Run it with ``scai-irl run response-types`` or ``python -m
experiments.response_types.experiment``.
"""

from __future__ import annotations

from pydantic import Field, field_validator

from experiments.response_types.figures import (
    response_figure,
    response_findings,
    response_table,
    sorting_figure,
    sorting_table,
)
from experiments.response_types.model import ResponsePlan, response_types
from scai_irl.cli.main import run_experiment
from scai_irl.experiment.config import ExperimentConfig, some_distinct
from scai_irl.experiment.definition import Experiment
from scai_irl.experiment.run import run_study
from scai_irl.report.study import Study
from scai_irl.results.results import Results

_USUAL = ResponsePlan()


class ResponseTypesConfig(ExperimentConfig):
    """Response types: preferences inferred with and without a model that sorts genuine answers from others."""

    genuine: tuple[float, ...] = Field(
        _USUAL.genuine, description="Shares of items that are answered genuinely; the rest by coin or by frame."
    )
    people: int = Field(_USUAL.people, ge=1, le=10_000, description="People of each kind.")
    items: int = Field(_USUAL.items, ge=2, le=99, description="Items that each is asked, at offers from .02 to .50.")
    repetitions: int = Field(_USUAL.repetitions, ge=1, le=1000, description="Times that each item is asked.")
    rationality: float = Field(_USUAL.rationality, gt=0, le=1e6, description="Rationality of genuine answers.")
    lapse: float = Field(_USUAL.lapse, ge=0, le=1, description="Chance of a slip in genuine answers.")
    guilt: float = Field(_USUAL.guilt, ge=0, le=1, description="Guilt β, which is known.")
    slip: float = Field(_USUAL.slip, ge=0, le=0.5, description="Chance that a constructed answer leaves its frame.")
    particles: int = Field(_USUAL.particles, ge=50, le=100_000, description="Particles of each of two populations.")

    @field_validator("genuine")
    @classmethod
    def _distinct_shares(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        for share in value:
            if not 0 < share <= 1:
                raise ValueError(f"{share:g} is no share of genuine items; give more than 0 and 1 at most")
        some_distinct(tuple(f"{share:g}" for share in value), "share")
        return value


def run(config: ResponseTypesConfig) -> Results:
    """Run the experiment."""
    return run_study(EXPERIMENT.name, config, lambda: study(config))


def study(config: ResponseTypesConfig) -> Study:
    """Let people answer, and infer their envy in every way."""
    estimates, placed = response_types(ResponsePlan(**config.model_dump(exclude={"out"})))
    return Study(
        findings=response_findings(estimates, placed),
        tables={"estimates": estimates, "items_sorted": placed},
        shown={"estimates": response_table(estimates), "items_sorted": sorting_table(placed)},
        figures={"error": response_figure(estimates), "items_sorted": sorting_figure(placed)},
    )


EXPERIMENT = Experiment("response-types", "genuine, random and framed answers, sorted or not", ResponseTypesConfig, run)

if __name__ == "__main__":
    run_experiment(EXPERIMENT)
