"""Names and summaries of the installed experiments, read without importing any of them."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scai_irl.experiment.definition import Experiment

_GROUP = "scai_irl.experiments"


@dataclass(frozen=True)
class ExperimentEntry:
    """Experiment in the metadata of a distribution.

    Attributes:
        entry: Entry point of the experiment.
    """

    entry: EntryPoint

    @property
    def summary(self) -> str:
        """Summary in the experiment's decorator; empty if the source does not show it."""
        return _summary(self.entry)

    def experiment(self) -> Experiment[Any]:
        """Import the experiment.

        Raises:
            InputError: If a folder of the user's hides this project's experiments.
            PluginError: If it cannot be imported.
        """
        from scai_irl.experiment.definition import find_experiment  # noqa: PLC0415 - it imports JAX

        return find_experiment(self.entry.name)

    def load(self) -> tuple[type[Any], Callable[[Any], None]]:
        """Import the experiment as a command: its options, and the function that runs it with them.

        Raises:
            InputError: If a folder of the user's hides this project's experiments.
            PluginError: If it cannot be imported.
        """
        from scai_irl.experiment.script import run_with_options  # noqa: PLC0415 - it imports JAX
        from scai_irl.io.command_line import options_of  # noqa: PLC0415 - it imports tyro

        experiment = self.experiment()
        return options_of(experiment.config), lambda options: run_with_options(experiment, vars(options))


def experiment_entries() -> dict[str, ExperimentEntry]:
    """Experiments of all installed distributions by name, in alphabetical order.

    Example:
        >>> "one-group-norm" in experiment_entries()
        True
    """
    entries = sorted(entry_points(group=_GROUP), key=lambda entry: entry.name)
    return {entry.name: ExperimentEntry(entry) for entry in entries}


def _summary(entry: EntryPoint) -> str:
    try:
        module = importlib.util.find_spec(entry.module)
        source = Path(module.origin).read_text(encoding="utf-8") if module and module.origin else ""
        body = ast.parse(source).body
    except (ImportError, OSError, SyntaxError, ValueError):  # the error is reported when the experiment is chosen
        return ""
    for node in body:
        if isinstance(node, ast.FunctionDef) and node.name == entry.attr:
            for decorator in node.decorator_list:
                match decorator:
                    case ast.Call(args=[ast.Constant(), ast.Constant(value=str(summary)), *_]):
                        return summary
    return ""
