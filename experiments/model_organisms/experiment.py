"""Model organisms: do planted biases reproduce the findings of SCAI (2023)?

Social Contract AI (Fränken et al. 2023) found that GPT-4 learns a group's norm, that it relies on its prior in
unfamiliar currencies, and that inconsistent language slows it down. Here small models, each with one planted bias,
watch the same groups. Run it with ``scai-irl run model-organisms`` or ``python -m experiments.model_organisms``.
"""

from __future__ import annotations

import contextlib
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from experiments.model_organisms.figures import curves_figure, curves_findings, curves_summary, curves_table
from experiments.model_organisms.model import ModelOrganisms, learning_curves
from scai_irl.backends.registry import make_backend
from scai_irl.experiment.definition import experiment
from scai_irl.experiment.run_study import Model
from scai_irl.io.progress import progress
from scai_irl.lm.budget import Budget
from scai_irl.lm.protocol import Backend
from scai_irl.lm.settings import LmSettings
from scai_irl.lm.tally import Tally
from scai_irl.report.study import Study
from scai_irl.results.manifest import Displayed
from scai_irl.results.session import stored

_BACKEND = "embedded"


@experiment("model-organisms", "small models with planted biases learn a group's norm", config=ModelOrganisms)
def model_organisms(config: ModelOrganisms, model: None) -> Study:
    """Ask every organism after each number of interactions; report its distance from a Bayesian."""
    tally = Tally()
    by_model, names = [], []
    with progress("organisms", len(config.models)) as advance:
        for name in config.models:
            with (
                contextlib.closing(make_backend(_BACKEND, LmSettings(model=name))) as backend,
                _stored(backend, config.out) as recorded,
            ):
                by_model.append(learning_curves(Model(recorded, tally), config).assign(model=name))
                names.append(backend.model)
            advance(name)
    curves = pd.concat(by_model, ignore_index=True)
    summary = curves_summary(curves)
    return Study(
        curves_findings(curves, "How do planted biases change belief in a group's norm?"),
        tables={"curves": curves, "curves_summary": summary},
        shown={"curves": curves_table(summary)},
        figures={"learning_curves": curves_figure(summary)},
        displayed=[Displayed(table="curves", title=f"{model_organisms.name}, after the last game")],
        counts=asdict(tally),
        backend=_BACKEND,
        model=", ".join(names),
    )


def _stored(backend: Backend, folder: Path | None) -> contextlib.AbstractContextManager[Backend]:
    """Store a backend's calls in the results folder, if there is one."""
    return contextlib.nullcontext(backend) if folder is None else stored(backend, folder, Budget())
