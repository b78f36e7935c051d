"""``scai-irl list``: everything that has a name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from envs import ENVIRONMENTS, GROUPS, UTILITIES
from envs.utilities import Utility
from inference import CONTINUOUS_FAMILIES, CONTINUOUS_METHODS, FAMILIES, METHODS
from scai_irl.agents.registry import AGENTS
from scai_irl.backends.registry import BACKENDS
from scai_irl.experiment.definition import find_experiments
from scai_irl.organisms.shipped import organism_summary, shipped
from scai_irl.sweep.engines import ENGINES

_LETTERS = "(proposer first; u is a user, a an assistant)"


@dataclass
class List:
    """Options of ``scai-irl list``."""


def execute(_: List) -> None:
    """Print the listing."""
    print_listing({name: experiment.summary for name, experiment in find_experiments().items()})


def listing(experiments: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Summaries of everything that is registered, by kind and name.

    Args:
        experiments: Summary of each experiment.
    """
    return {
        "experiments": dict(experiments),
        "games": ENVIRONMENTS.describe(lambda game: _first_line(game.__doc__)),
        "groups": {
            name: f"{g.uu} uu, {g.au} au, {g.ua} ua, {g.aa} aa interactions an epoch {_LETTERS}"
            for name, g in GROUPS.items()
        },
        "utilities": UTILITIES.describe(_utility_line),
        "families": FAMILIES.describe(lambda family: family.summary),
        "continuous families": CONTINUOUS_FAMILIES.describe(lambda family: family.summary),
        "methods": METHODS.describe(lambda method: _first_line(method.__doc__))
        | CONTINUOUS_METHODS.describe(lambda method: _first_line(method.__doc__)),
        "agents": AGENTS.describe(lambda agent: agent.summary),
        "organisms": {name: organism_summary(name) for name in shipped()},
        "backends": BACKENDS.describe(lambda backend: backend.summary),
        "engines": {name: _first_line(engine.__doc__) for name, engine in ENGINES.items()},
    }


def print_listing(experiments: Mapping[str, str]) -> None:
    """Print the listing to the terminal."""
    table = Table(box=None, pad_edge=False)
    for heading in ("kind", "name", "summary"):
        table.add_column(heading)
    for kind, entries in listing(experiments).items():
        for number, (name, summary) in enumerate(entries.items()):
            table.add_row(kind if number == 0 else "", name, summary)
    Console().print(table)


def _utility_line(utility: Utility) -> str:
    line = _first_line(utility.function.__doc__)
    return f"{line} Parameters: {', '.join(utility.parameters)}." if utility.parameters else line


def _first_line(text: str | None) -> str:
    return (text or "").strip().partition("\n")[0]


OPTIONS = List
