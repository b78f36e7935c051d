"""GPT-4 in SCAI (2023): how far are its texts, and offers that follow them, from the exact posterior?

Reads the raw runs of Fränken et al. (2023) and audits them. Run it with ``scai-irl run recorded-gpt4 --data PATH`` or
``python -m experiments.recorded_gpt4 --data PATH``.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pydantic import Field

from scai_irl.audit.recorded.recorded_audit import AuditSetting
from scai_irl.audit.recorded.recorded_folder import recorded_study
from scai_irl.data.scai2023.import_runs import read_runs
from scai_irl.experiment.config import ExperimentConfig
from scai_irl.experiment.definition import experiment
from scai_irl.report.study import Study


class RecordedGpt4(ExperimentConfig):
    """GPT-4 in SCAI (2023): its verbal posterior compared with the exact posterior."""

    data: Path = Field(description="Runs of SCAI (2023): a folder or an archive (tar, zip).")


@experiment(
    "recorded-gpt4",
    "GPT-4's runs in SCAI (2023), compared with the exact posterior",
    config=RecordedGpt4,
    formerly="import-scai2023",
)
def recorded_gpt4(config: RecordedGpt4, model: None) -> Study:
    """Read the runs and audit them; report distances between verbal and exact posteriors."""
    runs = read_runs(config.data)
    audit = recorded_study(runs.tables["interactions"], recorded_gpt4.name, AuditSetting(seed=config.seed))
    return replace(audit, tables={**runs.tables, **audit.tables}, counts=runs.counts)
