"""The command line: ``scai-irl run | reproduce | import | audit | report | show | …``; `_app` has all commands."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from tyro.conf import Positional, arg
from tyro.extras import SubcommandApp

from scai_irl.audit.recorded.recorded_folder import audit_recorded_folder
from scai_irl.audit.scorecard import AUDIT, compare_folders
from scai_irl.cli.doctor import Doctor, doctor
from scai_irl.cli.listing import print_listing
from scai_irl.cli.serve import Serve, serve
from scai_irl.cli.train import Train, train_organism
from scai_irl.data.human.import_choices import import_human, import_own
from scai_irl.data.human.own_csv import CsvColumns
from scai_irl.data.scai2023.import_runs import import_scai2023
from scai_irl.experiment.calibrate import calibrate_family, use_cores
from scai_irl.experiment.config import ExperimentConfig
from scai_irl.experiment.definition import Experiment, find_experiments
from scai_irl.experiment.reproduce import Reproduce, reproduce
from scai_irl.experiment.script import run_with_options
from scai_irl.io.command_line import options_of, parse, told_in_one_line
from scai_irl.io.process import prepare_process
from scai_irl.report.html.command import Report, report
from scai_irl.report.show import show
from scai_irl.results.results import Results, load
from scai_irl.sweep.command import SweepCommand, sweep
from scai_irl.sweep.slurm.command import slurm
from scai_irl.sweep.slurm.options import Slurm

_PROGRAM = "scai-irl"
_DESCRIPTION = (
    "What does a language model believe after watching a group act, and how far is that from the Bayesian posterior?"
)


@dataclass
class Scai2023:
    """Import recorded runs of Social Contract AI (2023), from a folder or an archive (tar, zip)."""

    path: Annotated[Positional[Path], arg(help="Folder or archive with the recorded runs.")]
    out: Annotated[Path, arg(help="Results folder to make.")]


@dataclass
class Heffner:
    """Import answers of 715 people to 20 offers each: ug_data.csv of Heffner & FeldmanHall (2022)."""

    path: Annotated[Positional[Path], arg(help="Data file, ug_data.csv.")]
    out: Annotated[Path, arg(help="Results folder to make.")]


@dataclass
class Moblab:
    """Import offers and minimum acceptable offers: ultimatum_strategy.csv of Mei et al. (2024)."""

    path: Annotated[Positional[Path], arg(help="Data file, ultimatum_strategy.csv; compressed files are read too.")]
    out: Annotated[Path, arg(help="Results folder to make.")]


@dataclass
class Csv:
    """Import choices from a CSV file with a line for each choice."""

    path: Annotated[Positional[Path], arg(help="Data file.")]
    out: Annotated[Path, arg(help="Results folder to make.")]
    subject: Annotated[str, arg(help="Column that says who chose.")] = "subject"
    stake: Annotated[str, arg(help="Column of the units divided, or a number that holds for every line.")] = "stake"
    offer: Annotated[str, arg(help="Column of the units given to the responder.")] = "offer"
    accepted: Annotated[str, arg(help="Column of answers, 1 or 0; empty on lines of proposers.")] = "accepted"
    trial: Annotated[str, arg(help="Column that numbers a subject's games; counted in order without it.")] = "trial"
    role: Annotated[str, arg(help="Column of proposer or responder; all are responders without it.")] = "role"
    study: Annotated[str, arg(help="Column of the study's name; the file's name without it.")] = "study"
    minimum: Annotated[str, arg(help="Column of minimum acceptable offers (strategy method), if any.")] = "minimum"


@dataclass
class AuditRecorded:
    """Set the exact posterior of every recorded run and epoch beside what the model's verbal policies did."""

    results: Annotated[Positional[Path], arg(help="Folder made by `scai-irl import`.")]


@dataclass
class Compare:
    """Set two models' score cards side by side, with paired tests over the items that both were asked."""

    first: Annotated[Positional[Path], arg(help="Folder made by `scai-irl audit model`.")]
    second: Annotated[Positional[Path], arg(help="Another one, with the same preset and seed.")]


@dataclass
class Calibrate:
    """Check by simulation that a method returns a family's posterior: ranks of truths, their envelope, recovery."""

    family: Annotated[Positional[str], arg(help="Continuous family; `scai-irl list` names them.")]
    method: Annotated[
        str | None, arg(help="grid, nuts, smc, laplace, svi, svi-mean-field; by dimension without it.")
    ] = None
    replications: Annotated[int, arg(help="Truths to draw; 1,000 tell deviations of a few per cent.")] = 1_000
    seed: Annotated[int, arg(help="Root of all randomness.")] = 0
    cores: Annotated[int | None, arg(help="Cores to compute on side by side; all unless given.")] = None
    out: Annotated[Path | None, arg(help="Results folder; one of its own under results/ unless given.")] = None


@dataclass
class Show:
    """Print what a results folder holds: its table, its figures and where it came from."""

    results: Annotated[Positional[Path], arg(help="Results folder.")]


@dataclass
class List:
    """Name the experiments, games, utilities, families, methods, agents and backends there are."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line.

    Args:
        arguments: Words after the program's name; those it was started with if None.
    """
    prepare_process()
    experiments = told_in_one_line(find_experiments)
    options = {name: options_of(experiment.config) for name, experiment in experiments.items()}
    audited = options_of(AUDIT.config)
    command = parse(_PROGRAM, _DESCRIPTION, _app(experiments, options, audited).cli, arguments)
    if type(command) is audited:
        told_in_one_line(functools.partial(run_with_options, AUDIT, vars(command)))
        return
    for name, kind in options.items():
        if type(command) is kind:
            told_in_one_line(functools.partial(run_with_options, experiments[name], vars(command)))
            return
    told_in_one_line(functools.partial(_do, command, experiments))


def _app(
    experiments: dict[str, Experiment[ExperimentConfig]], options: dict[str, type[Any]], audited: type[Any]
) -> SubcommandApp:
    run, imports, human, audit, app = (SubcommandApp() for _ in range(5))
    for name, experiment in experiments.items():
        run.command(name=name, help=experiment.summary)(options[name])
    imports.command(name="scai2023")(Scai2023)
    for kind in (Heffner, Moblab, Csv):
        human.command(name=kind.__name__.lower())(kind)
    imports.command(human, name="human", help="Import choices of people in ultimatum games.")
    audit.command(name=AUDIT.name, help="Audit a language model: beliefs, translation, steering; a score card.")(
        audited
    )
    audit.command(name="compare")(Compare)
    audit.command(name="recorded")(AuditRecorded)
    app.command(run, name="run", help="Run an experiment, or go on with one that was interrupted.")
    app.command(name="reproduce")(Reproduce)
    app.command(name="sweep")(SweepCommand)
    app.command(name="slurm")(Slurm)
    app.command(imports, name="import", help="Import recorded runs, or choices of people, as a results folder.")
    app.command(audit, name="audit", help="Measure verbal posteriors against numerical ones.")
    app.command(name="report")(Report)
    app.command(name="calibrate")(Calibrate)
    app.command(name="train")(Train)
    app.command(name="serve")(Serve)
    app.command(name="doctor")(Doctor)
    app.command(name="show")(Show)
    app.command(name="list")(List)
    return app


def _calibrate(command: Calibrate) -> Results:
    use_cores(command.cores or os.cpu_count() or 1)
    return calibrate_family(command.family, command.method, command.replications, command.seed, command.out)


def _do(command: Any, experiments: dict[str, Experiment[ExperimentConfig]]) -> None:
    actions: dict[type[Any], Callable[[], Results | None]] = {
        Scai2023: lambda: import_scai2023(command.path, command.out),
        Heffner: lambda: import_human(command.path, command.out, "heffner"),
        Moblab: lambda: import_human(command.path, command.out, "moblab"),
        Csv: lambda: import_own(command.path, command.out, CsvColumns.of(command)),
        AuditRecorded: lambda: audit_recorded_folder(command.results),
        Compare: lambda: compare_folders(command.first, command.second),
        SweepCommand: lambda: sweep(command),
        Slurm: lambda: slurm(command),
        Reproduce: lambda: reproduce(command),
        Report: lambda: report(command, {name: e.summary for name, e in experiments.items()}),
        Calibrate: lambda: _calibrate(command),
        Train: lambda: train_organism(command),
        Serve: lambda: serve(command),
        Doctor: lambda: doctor(command),
        Show: lambda: load(command.results),
        List: lambda: print_listing({name: e.summary for name, e in experiments.items()}),
    }
    results = actions[type(command)]()
    if results is not None:
        show(results)
