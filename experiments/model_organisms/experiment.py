"""Model organisms watch a group: do the predecessor's three findings follow from biases that were planted?

Social Contract AI (Fränken et al. 2023) found that GPT-4 learns a group's norm, that it falls back on its prior where
goods are new, and that inconsistent language slows it down. Here small models, each with one planted bias, watch the
same groups. Run it with ``scai-irl run model-organisms`` or ``python -m experiments.model_organisms.experiment``.
"""

from __future__ import annotations

import contextlib
from dataclasses import asdict

import pandas as pd
from pydantic import Field, field_validator

from experiments.model_organisms.figures import curves_figure, curves_findings, curves_summary, curves_table
from experiments.model_organisms.model import Curves, learning_curves
from scai_irl.backends.registry import make_backend
from scai_irl.cli.main import run_experiment
from scai_irl.experiment.config import ExperimentConfig, some_distinct
from scai_irl.experiment.definition import Experiment
from scai_irl.io.progress import progress
from scai_irl.lm.budget import Budget
from scai_irl.lm.settings import LmSettings
from scai_irl.lm.tally import Tally
from scai_irl.organisms.shipped import shipped
from scai_irl.report.study import Study, keep
from scai_irl.results.folder import default_folder, opened
from scai_irl.results.manifest import Displayed
from scai_irl.results.results import Results, load
from scai_irl.results.session import kept


class ModelOrganisms(ExperimentConfig):
    """Model organisms watch a group: belief and offers game by game, at home, abroad, and with talk that misleads."""

    models: tuple[str, ...] = Field(
        tuple(shipped()), description="Organisms by name, or folders of small models, each asked in this process."
    )
    runs: int = Field(20, ge=2, le=10_000, description="Groups of each norm.")
    lengths: tuple[int, ...] = Field((0, 1, 2, 4, 8, 16), description="Numbers of games after which they are asked.")

    @field_validator("models")
    @classmethod
    def _distinct_models(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return some_distinct(value, "model")

    @field_validator("lengths")
    @classmethod
    def _rising_lengths(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if not value or list(value) != sorted(set(value)) or not 0 <= value[0] <= value[-1] <= 40:
            raise ValueError(f"{value} are not numbers of games that rise; give some from 0 to 40, such as 0 1 4")
        return value


def run(config: ModelOrganisms) -> Results:
    """Run the experiment."""
    settings = config.model_dump(mode="json")
    folder = config.out or default_folder(EXPERIMENT.name, settings)
    with opened(folder, EXPERIMENT.name, settings, seed=config.seed, backend="embedded") as manifest:
        if manifest.status == "finished":
            return load(folder)
        tally = Tally()
        plan = Curves(config.runs, config.lengths, seed=config.seed)
        found, names = [], []
        with progress("organisms", len(config.models)) as advance:
            for model in config.models:
                with (
                    contextlib.closing(make_backend("embedded", LmSettings(model=model))) as backend,
                    kept(backend, folder, Budget()) as asked,
                ):
                    found.append(learning_curves(asked, plan, tally).assign(model=model))
                    names.append(backend.model)
                advance(model)
        curves = pd.concat(found, ignore_index=True)
        summary = curves_summary(curves)
        manifest.model = ", ".join(names)
        study = Study(
            curves_findings(curves, "What do planted biases do to belief in a group's norm?"),
            tables={"curves": curves, "curves_summary": summary},
            shown={"curves": curves_table(summary)},
            figures={"learning_curves": curves_figure(summary)},
            displayed=[Displayed(table="curves", title=f"{EXPERIMENT.name}, after the last game")],
            counts=asdict(tally),
        )
        keep(folder, manifest, study)
    return load(folder)


EXPERIMENT = Experiment(
    "model-organisms", "small models with planted biases watch a group, game by game", ModelOrganisms, run
)

if __name__ == "__main__":
    run_experiment(EXPERIMENT)
