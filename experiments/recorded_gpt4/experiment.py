"""GPT-4 as it was recorded: how far was what it said, and then did, from the exact posterior?

Imports the raw runs of Fränken et al. (2023) and audits them. Run it with ``scai-irl run recorded-gpt4 --data PATH`` or
``python -m experiments.recorded_gpt4.experiment``.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from scai_irl.audit.recorded.recorded_audit import AuditSetting
from scai_irl.audit.recorded.recorded_folder import audit_recorded_folder
from scai_irl.cli.main import run_experiment
from scai_irl.data.scai2023.import_runs import import_scai2023
from scai_irl.experiment.config import ExperimentConfig
from scai_irl.experiment.definition import Experiment
from scai_irl.results.folder import default_folder
from scai_irl.results.results import Results


class RecordedGpt4(ExperimentConfig):
    """GPT-4 as recorded in 2023: its verbal posterior beside the exact one."""

    data: Path = Field(description="Recorded runs of Social Contract AI: a folder or an archive (tar, zip).")


def run(config: RecordedGpt4) -> Results:
    """Run the experiment."""
    folder = config.out or default_folder(EXPERIMENT.name, config.model_dump(mode="json"))
    import_scai2023(config.data, folder)
    return audit_recorded_folder(folder, AuditSetting(seed=config.seed))


EXPERIMENT = Experiment("recorded-gpt4", "GPT-4's recorded runs beside the exact posterior", RecordedGpt4, run)

if __name__ == "__main__":
    run_experiment(EXPERIMENT)
