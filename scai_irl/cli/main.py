"""The command line ``scai-irl``. Its first words choose a command, and only that command's file is imported."""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.metadata import version
from shutil import get_terminal_size
from textwrap import fill
from typing import Any, NoReturn

from scai_irl.experiment.entries import ExperimentEntry, experiment_entries
from scai_irl.io.errors import InputError
from scai_irl.io.process import prepare_process
from scai_irl.io.stop import told_in_one_line

_PROGRAM = "scai-irl"
_HELP = ("--help", "-h")
_VERSION = "--version"
_WIDEST = 100


@dataclass(frozen=True)
class Command:
    """A command.

    Attributes:
        summary: One line for ``--help``.
        module: Module with the class of the command's options, ``OPTIONS``, and the function ``execute`` that takes
            them.
    """

    summary: str
    module: str

    def load(self) -> tuple[type[Any], Callable[[Any], None]]:
        """Import the command: its options, and the function that executes it."""
        module = importlib.import_module(self.module)
        return module.OPTIONS, module.execute


@dataclass(frozen=True)
class CommandGroup:
    """A word before a further command, such as ``import``.

    Attributes:
        summary: One line for ``--help``.
        members: Function that returns the commands that can follow, by name.
    """

    summary: str
    members: Callable[[], Mapping[str, Command | CommandGroup | ExperimentEntry]]


_IMPORT_HUMAN: dict[str, Command | CommandGroup | ExperimentEntry] = {
    "heffner": Command(
        "Import ug_data.csv of Heffner & FeldmanHall (2022): answers of 715 people to 20 offers each.",
        "scai_irl.cli.import_heffner",
    ),
    "moblab": Command(
        "Import ultimatum_strategy.csv of Mei et al. (2024): offers and minimum acceptable offers.",
        "scai_irl.cli.import_moblab",
    ),
    "csv": Command("Import choices from a CSV file with one row per choice.", "scai_irl.cli.import_csv"),
}
_IMPORT: dict[str, Command | CommandGroup | ExperimentEntry] = {
    "scai2023": Command(
        "Import recorded runs of SCAI (2023) from a folder or an archive (tar, zip).", "scai_irl.cli.import_scai"
    ),
    "human": CommandGroup("Import choices of people in ultimatum games.", lambda: _IMPORT_HUMAN),
}
_AUDIT: dict[str, Command | CommandGroup | ExperimentEntry] = {
    "model": Command(
        "Audit a language model: elicit beliefs, score translations and steering.", "scai_irl.cli.audit_model"
    ),
    "compare": Command(
        "Compare the score cards of two models by paired tests over the items that both answered.",
        "scai_irl.cli.audit_compare",
    ),
    "recorded": Command(
        "Compare the verbal policies of recorded runs with the exact posterior of each run and epoch.",
        "scai_irl.cli.audit_recorded",
    ),
}
_COMMANDS: dict[str, Command | CommandGroup | ExperimentEntry] = {
    "run": CommandGroup("Run an experiment, or resume an interrupted one.", experiment_entries),
    "reproduce": Command(
        "Run a list of experiments and write one report of all. Resumes after an interruption.",
        "scai_irl.experiment.reproduce",
    ),
    "sweep": Command(
        "Run an experiment for every combination of settings and seeds. Resumes after an interruption.",
        "scai_irl.sweep.command",
    ),
    "slurm": Command(
        "Print the script of a Slurm job that runs a sweep, or submit it. A second job resumes the sweep.",
        "scai_irl.sweep.slurm.command",
    ),
    "import": CommandGroup("Import recorded runs, or choices of people, as a results folder.", lambda: _IMPORT),
    "audit": CommandGroup("Compare the beliefs of a language model with the exact posterior.", lambda: _AUDIT),
    "report": Command("Summarise results folders in one HTML report.", "scai_irl.cli.report_folders"),
    "calibrate": Command(
        "Check by simulation-based calibration that a method returns a family's posterior.",
        "scai_irl.cli.calibrate_family",
    ),
    "train": Command(
        "Train a model organism: a small language model with known beliefs. Resumes after an interruption.",
        "scai_irl.cli.train",
    ),
    "serve": Command("Serve a language model with vLLM on this machine, until Ctrl-C.", "scai_irl.cli.serve"),
    "doctor": Command("Check the installation and what language-model servers can do.", "scai_irl.cli.doctor"),
    "show": Command("Print the findings, tables and figures of a results folder.", "scai_irl.cli.show_folder"),
    "list": Command(
        "List experiments, games, utilities, families, methods, agents and backends.", "scai_irl.cli.listing"
    ),
}
COMMANDS = CommandGroup(
    "Measures what a language model believes after watching a group act, and how far that is from the Bayesian "
    "posterior.",
    lambda: _COMMANDS,
)
"""All commands."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line.

    Args:
        arguments: Words after the program's name; those of this process if None.
    """
    prepare_process()
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == [_VERSION]:
        print(f"{_PROGRAM} {version(_PROGRAM)}")
        return
    program, chosen = _PROGRAM, COMMANDS
    while isinstance(chosen, CommandGroup):
        members = chosen.members()
        if words and words[0] in members:
            name = words.pop(0)
            program, chosen = f"{program} {name}", members[name]  # type: ignore[assignment]
        elif words and words[0] in _HELP:
            print(help_text(program, chosen, min(get_terminal_size().columns, _WIDEST)))
            raise SystemExit(0)
        else:
            told_in_one_line(functools.partial(_refuse, program, list(members), words))
    told_in_one_line(functools.partial(_execute, program, chosen, words))


def help_text(program: str, group: CommandGroup, width: int) -> str:
    """Describe the commands of a group.

    Example:
        >>> print(help_text("scai-irl import", CommandGroup("Import.", lambda: {"a": Command("Import a.", "")}), 80))
        usage: scai-irl import [-h] COMMAND ...
        <BLANKLINE>
        Import.
        <BLANKLINE>
        commands:
          a  Import a.
        <BLANKLINE>
        options:
          -h, --help  show this help message and exit
    """
    top = program == _PROGRAM
    members = group.members()
    wide = max(len(name) for name in members)
    lines = [f"usage: {program} [-h]{' [--version]' if top else ''} COMMAND ...", "", fill(group.summary, width), ""]
    lines.append("commands:")
    for name, member in members.items():
        first, others = f"  {name:<{wide}}  ", " " * (wide + 4)
        lines.append(fill(member.summary, width, initial_indent=first, subsequent_indent=others))
    lines += ["", "options:", "  -h, --help  show this help message and exit"]
    if top:
        lines += ["  --version   show the version and exit", ""]
        lines.append(f"`{_PROGRAM} COMMAND --help` describes the options of a command.")
    return "\n".join(lines)


def _refuse(program: str, names: Sequence[str], words: Sequence[str]) -> NoReturn:
    """Raise an error that names similar commands, or else all commands that can follow.

    Raises:
        InputError: Always.
    """
    if not words:
        raise InputError(program, "a command is missing", f"give one of {', '.join(names)}")
    similar = get_close_matches(words[0], names)
    hint = f"perhaps you meant {' or '.join(similar)}" if similar else f"there are {', '.join(names)}"
    kind = "option before the command" if words[0].startswith("-") else "command"
    raise InputError(program, f"unknown {kind} {words[0]!r}", hint)


def _execute(program: str, command: Command | ExperimentEntry, words: Sequence[str]) -> None:
    import tyro  # noqa: PLC0415 - help and errors of the first words do without it

    from scai_irl.io.command_line import parse  # noqa: PLC0415 - it imports tyro

    options, execute = command.load()
    execute(parse(program, command.summary, functools.partial(tyro.cli, options), words))


if __name__ == "__main__":
    main()
