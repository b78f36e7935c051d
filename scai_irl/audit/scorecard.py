"""``scai-irl audit model`` and ``scai-irl audit compare``: write a score card, and compare two score cards."""

from __future__ import annotations

import contextlib
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import Field, field_validator
from rich.console import Console

from scai_irl.audit.battery import PRESETS
from scai_irl.audit.model_audit import ModelAudit, audit_model, audit_steps
from scai_irl.audit.paired import compare_audits
from scai_irl.backends.estimate import Estimate
from scai_irl.experiment.config import ExperimentConfig, some_distinct
from scai_irl.experiment.definition import Experiment
from scai_irl.experiment.model_options import ModelConfig
from scai_irl.io.errors import InputError
from scai_irl.io.progress import progress
from scai_irl.language.asking import Style
from scai_irl.language.instructions import WORDINGS, instruction_hashes
from scai_irl.lm.protocol import Backend
from scai_irl.measure.elicit import CHANNELS, Channel, Elicitation
from scai_irl.report.study import Study, keep
from scai_irl.report.tables import print_table
from scai_irl.results.folder import default_folder, opened
from scai_irl.results.manifest import Displayed
from scai_irl.results.results import Results, load
from scai_irl.results.session import counted, stored

_NAME = "audit-model"
_TABLES = ("scorecard", "judged", "beliefs", "texts", "translation", "steered")


class AuditConfig(ModelConfig, ExperimentConfig):
    """Configuration of an audit."""

    preset: Literal["small", "medium", "full"] = Field("small", description="Size of the battery: small, medium, full.")
    channels: tuple[Channel, ...] = Field(CHANNELS, description="Channels that elicit beliefs: sampled, stated, token.")
    wordings: tuple[int, ...] = Field((1, 2), description="Wordings of each question, from 1 to 5.")
    draws: int = Field(24, ge=1, le=100_000, description="Verbal policies sampled for each item.")
    repeats: int = Field(1, ge=1, le=1000, description="Times that each stated question is repeated.")
    acts: int = Field(5, ge=1, le=100_000, description="Times that a translated policy is followed in each context.")

    @field_validator("channels")
    @classmethod
    def _distinct_channels(cls, value: tuple[Channel, ...]) -> tuple[Channel, ...]:
        return tuple(channel for channel in CHANNELS if channel in some_distinct(value, "channel"))

    @field_validator("wordings")
    @classmethod
    def _known_wordings(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if not value or len(set(value)) < len(value):
            raise ValueError(f"{value} is empty or has a wording twice; give each wording once")
        if min(value) < 1 or max(value) > WORDINGS:
            raise ValueError(f"{value} has an unknown wording; give numbers from 1 to {WORDINGS}")
        return value

    def audit(self) -> ModelAudit:
        """Return the settings of the audit."""
        style = Style(temperature=self.temperature, max_tokens=self.max_tokens)
        elicitation = Elicitation(self.channels, self.wordings, self.draws, self.repeats, style=style, seed=self.seed)
        return ModelAudit(PRESETS[self.preset], elicitation, self.acts)


def estimate_audit(config: AuditConfig) -> Estimate:
    """Estimate the cost of an audit."""
    return config.estimate(lambda backend: audit_model(backend, config.audit(), lambda _: None))


def run_audit(config: AuditConfig) -> Results:
    """Audit a model, or resume an interrupted audit, and write its results folder.

    Raises:
        InputError: If the model does not answer, or the folder cannot be used.
    """
    with contextlib.closing(config.open_backend()) as backend:
        return keep_audit(backend, config, config.model_dump(mode="json"))


def keep_audit(backend: Backend, config: AuditConfig, settings: dict[str, Any]) -> Results:
    """Audit a backend, or resume its audit, and keep its score card.

    Args:
        backend: The model.
        config: How it is audited.
        settings: What the results folder belongs to.

    Raises:
        InputError: If the model does not answer, or the folder cannot be used.
    """
    folder = config.out or default_folder(_NAME, settings)
    more = {"seed": config.seed, "backend": backend.name, "prompts": instruction_hashes()}
    with opened(folder, _NAME, settings, **more) as manifest:
        if manifest.status == "finished":
            return load(folder)
        start = time.monotonic()
        with (
            counted(manifest, backend, folder),
            stored(backend, folder, config.budget) as model,
            progress("audit", audit_steps()) as advance,
        ):
            result = audit_model(model, config.audit(), advance)
        title = f"{manifest.model} ({manifest.backend}): beliefs compared with the exact posterior"
        study = Study(
            tables={name: getattr(result, name) for name in _TABLES},
            shown={"scorecard": scorecard_table(result.scorecard)},
            displayed=[Displayed(table="scorecard", title=title)],
            remarks=remarks(result.scorecard),
            counts=asdict(result.tally) | {"seconds": round(time.monotonic() - start)},
        )
        keep(folder, manifest, study)
    return load(folder)


AUDIT = Experiment(
    "model", "audit a language model's beliefs with a fixed battery", AuditConfig, run_audit, estimate_audit
)


def scorecard_table(scorecard: pd.DataFrame) -> pd.DataFrame:
    """Format a score card for display: measure, channel, value with interval, and the value of a Bayesian."""
    shaped = scorecard[["measure", "channel"]].copy()
    shaped["value [95 %]"] = [
        _with_ends(value, low, high)
        for value, low, high in zip(scorecard["value"], scorecard["low"], scorecard["high"], strict=True)
    ]
    shaped["a Bayesian [95 %]"] = [
        _with_ends(ideal, low, high) if high > low else _with_ends(ideal, np.nan, np.nan)
        for ideal, low, high in zip(scorecard["ideal"], scorecard["ideal_low"], scorecard["ideal_high"], strict=True)
    ]
    shaped["items"] = [
        str(n) if not np.isnan(value) else "–" for n, value in zip(scorecard["n"], scorecard["value"], strict=True)
    ]
    return pd.DataFrame(shaped)


def remarks(scorecard: pd.DataFrame) -> list[str]:
    """Return a warning if the model is deterministic, so that its texts are not samples from a distribution."""
    differing = scorecard.query("measure == 'texts that differ when asked alike'")["value"]
    if len(differing) and differing.iloc[0] == 0:
        return [
            "The model gave the same text to every repeated question: it is deterministic at this temperature. Its "
            "sampled channel holds a single text, not a distribution."
        ]
    return []


def compare_folders(first: Path, second: Path) -> None:
    """Print the score cards of two audits side by side, and paired tests over their common items.

    Raises:
        InputError: If a folder holds no audit of a model.
    """
    both = [load(first), load(second)]
    for path, results in zip((first, second), both, strict=True):
        if "scorecard" not in results.tables:
            raise InputError(str(path), "has no score card", "give a folder made by `scai-irl audit model`")
    console = Console()
    names = [str(results.manifest.model) for results in both]
    if names[0] == names[1]:
        names = [str(first), str(second)]
    cards = [scorecard_table(results.scorecard).set_index(["measure", "channel"])["value [95 %]"] for results in both]
    cards_joined = cards[0].to_frame(names[0]).join(cards[1].rename(names[1]), how="outer", sort=False).fillna("–")
    print_table(cards_joined.reset_index(), "score cards", console)
    paired = compare_audits(both[0].judged, both[1].judged)
    if paired.empty:
        raise InputError(
            str(second), "has no item in common with the other", "audit both with the same preset and seed"
        )
    shaped = paired[["channel", "part"]].copy()
    for column, name in (("first", names[0]), ("second", names[1])):
        shaped[f"TV, {name}"] = [f"{value:.3f}" for value in paired[column]]
    ends = zip(paired["difference"], paired["low"], paired["high"], strict=True)
    shaped["difference [95 %]"] = [_with_ends(*values) for values in ends]
    shaped["p"] = ["< .001" if p < 0.001 else f"{p:.3f}" for p in paired["p"]]
    shaped["items"] = paired["n"].astype(str)
    print_table(shaped, "distance to the exact posterior, item by item (Wilcoxon signed-rank)", console)


def _with_ends(value: float, low: float, high: float) -> str:
    if np.isnan(value):
        return "–"
    number = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3f}"
    return number if np.isnan(low) else f"{number} [{low:.3f}, {high:.3f}]"
