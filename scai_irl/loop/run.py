"""Run an experiment of the epoch loop in a results folder, and resume it if it was interrupted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from inference import arviz_compat
from scai_irl.io.files import write_bytes, write_table
from scai_irl.io.progress import progress
from scai_irl.language.instructions import instruction_hashes
from scai_irl.lm.budget import Budget
from scai_irl.lm.protocol import Backend
from scai_irl.loop.belief_tables import beliefs_arviz
from scai_irl.loop.checkpoint import EpochFolders
from scai_irl.loop.in_memory import PlayedSetting, collect_epochs
from scai_irl.loop.play_epochs import play_epochs
from scai_irl.loop.setting import Setting
from scai_irl.measure.alignment import alignment_summary, with_tokens
from scai_irl.report.drawing import save_figures
from scai_irl.report.study import Study, keep
from scai_irl.report.tables import final_table
from scai_irl.results.findings import Finding
from scai_irl.results.folder import opened
from scai_irl.results.manifest import Displayed, Manifest
from scai_irl.results.results import POSTERIOR, Results, load
from scai_irl.results.session import counted, kept

Conclude = Callable[[Results], Sequence[Finding]]
"""Function that computes the findings of an experiment from its tables."""


@dataclass(frozen=True)
class Output:
    """Results folder of an experiment, and the budget for filling it.

    Attributes:
        folder: Results folder.
        config: Configuration of the experiment, for the manifest.
        budget: Limits on the calls of the language model; none by default.
    """

    folder: Path
    config: dict[str, object]
    budget: Budget = field(default_factory=Budget)


def run_setting(setting: Setting, backend: Backend, output: Output, conclude: Conclude = lambda _: ()) -> Results:
    """Run an experiment, or resume it.

    Every finished epoch is on disk before the next one begins. An experiment that was killed resumes after its last
    finished epoch when it is started again with the same configuration. Its numbers equal those of a run without
    interruption.

    Args:
        setting: The experiment.
        backend: Language model that translates policies and acts for the assistants.
        output: Results folder and budget.
        conclude: Function that computes the findings from the tables.

    Raises:
        InputError: If the folder cannot be used.
    """
    folder = output.folder
    more = {"seed": setting.seed, "backend": backend.name, "prompts": instruction_hashes()}
    with opened(folder, setting.experiment, output.config, **more) as manifest:
        epochs = EpochFolders(folder)
        if manifest.status != "finished":
            with counted(manifest, backend, folder), kept(backend, folder, output.budget) as model:
                played = _play(setting, model, epochs)
            _write_tables(folder, setting, played)
            _finish(folder, manifest, setting, played, conclude)
        epochs.remove()
    return load(folder)


def _play(setting: Setting, backend: Backend, epochs: EpochFolders) -> PlayedSetting:
    """Play all epochs that are not on disk, and show the progress."""
    records = []
    with progress(setting.experiment, len(setting.schedules) * setting.epochs) as advance:
        for record in play_epochs(setting, backend, epochs):
            records.append(record)
            advance(f"group {record.epoch.schedule.name}, epoch {record.epoch.number}")
    return collect_epochs(setting, records)


def _write_tables(folder: Path, setting: Setting, played: PlayedSetting) -> None:
    """Write the tables of all epochs and the posterior."""
    by_run = played.alignment
    write_table(folder / "interactions.parquet", played.interactions)
    write_table(folder / "verbal_policies.parquet", played.verbal_policies)
    write_table(folder / "beliefs.parquet", played.beliefs)
    write_table(folder / "costs.parquet", played.costs)
    write_table(folder / "alignment.parquet", by_run)
    summary = with_tokens(alignment_summary(played.interactions, by_run), played.costs)
    write_table(folder / "summary.parquet", summary)
    write_bytes(folder / POSTERIOR, arviz_compat.to_netcdf(beliefs_arviz(setting, played.posteriors)))


def _finish(folder: Path, manifest: Manifest, setting: Setting, played: PlayedSetting, conclude: Conclude) -> None:
    """Write figures and findings, and finish the manifest."""
    results = Results(folder, manifest, load(folder).tables)
    save_figures(results)
    title = f"{setting.experiment}, after epoch {setting.epochs}"
    study = Study(
        conclude(results),
        shown={"summary": final_table(results.summary)},
        displayed=[Displayed(table="summary", title=title)],
        counts=asdict(played.tally),
    )
    keep(folder, manifest, study)
