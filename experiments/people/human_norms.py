"""Which social preferences explain what people do, and do people differ?

Fits families of social preferences with rationality and lapse to people's choices, to all together and person by
person, and compares them by leave-one-out cross-validation. Run it with ``scai-irl run human-norms --data PATH`` or
``python -m experiments.people.human_norms``.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, field_validator

from experiments.people.fits import PREFERENCES, FitPlan
from experiments.people.fits_folder import fit_folder, read_people
from inference.infer import CONTINUOUS_METHODS
from scai_irl.cli.main import run_experiment
from scai_irl.data.human.choices import HumanChoices
from scai_irl.data.human.import_choices import get_source
from scai_irl.experiment.config import ExperimentConfig, some_distinct
from scai_irl.experiment.definition import Experiment
from scai_irl.io.errors import InputError
from scai_irl.results.folder import default_folder
from scai_irl.results.results import Results


class HumanNorms(ExperimentConfig):
    """Social preferences fitted to people: which of them predict best, pooled and person by person."""

    data: Path = Field(description="Folder made by `scai-irl import human`, or a data file.")
    source: str = Field("heffner", description="Data set that a data file is of: heffner, moblab.")
    families: tuple[str, ...] = Field(
        tuple(PREFERENCES), description="Families fitted to all people together: " + ", ".join(PREFERENCES) + "."
    )
    hierarchical: tuple[str, ...] = Field(
        (), description="Families fitted person by person, around a population; minutes for hundreds of people."
    )
    people: int | None = Field(None, ge=2, description="People to draw at random for a quick look; all unless given.")
    method: str = Field("nuts", description="Method of inference: " + ", ".join(CONTINUOUS_METHODS) + ".")
    chains: int = Field(4, ge=2, le=64, description="Chains of NUTS.")
    warmup: int = Field(500, ge=10, description="Steps of NUTS that adapt it.")
    draws: int = Field(500, ge=10, description="Draws of each chain of NUTS.")
    target_accept: float = Field(
        0.8, gt=0.5, lt=1, description="Acceptance that NUTS aims at; raise it where steps diverge."
    )

    @field_validator("families", "hierarchical")
    @classmethod
    def _known_families(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name not in PREFERENCES:
                raise ValueError(f"unknown family {name!r}; there are {', '.join(PREFERENCES)}")
        return some_distinct(value, "family") if value else value

    @field_validator("method")
    @classmethod
    def _known_method(cls, value: str) -> str:
        if value not in CONTINUOUS_METHODS:
            raise ValueError(f"unknown method {value!r}; there are {', '.join(CONTINUOUS_METHODS)}")
        return value


def run(config: HumanNorms) -> Results:
    """Run the experiment."""
    if not config.data.is_dir():
        get_source(config.source)
    if not config.families and not config.hierarchical:
        raise InputError("families", "none given", "give at least one, there or with --hierarchical")
    settings = config.model_dump(mode="json")
    plan = FitPlan(
        **{name: settings[name] for name in ("method", "chains", "warmup", "draws", "target_accept", "seed")},
        families=config.families,
        hierarchical=config.hierarchical,
    )
    folder = config.out or default_folder(EXPERIMENT.name, settings)

    def read() -> HumanChoices:
        return read_people(config.data, config.source, config.people, config.seed)

    return fit_folder(folder, EXPERIMENT.name, settings, read, plan)


EXPERIMENT = Experiment(
    "human-norms", "social preferences fitted to people, pooled and person by person", HumanNorms, run
)

if __name__ == "__main__":
    run_experiment(EXPERIMENT)
