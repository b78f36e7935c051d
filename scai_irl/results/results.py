"""Results folders as tables and ArviZ objects."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from textwrap import shorten
from typing import Any

import pandas as pd

from inference import arviz_compat
from scai_irl.io.errors import InputError
from scai_irl.lm.cache import CALLS, CallStore
from scai_irl.results.columns import describe_column
from scai_irl.results.manifest import Manifest

POSTERIOR = "posterior.nc"
FIGURES = "figures"
_WIDE = 110


@dataclass(frozen=True, repr=False)
class Results:
    """A results folder.

    Attributes:
        path: The folder.
        manifest: Configuration, versions, machine and status.
        tables: Every Parquet table in the folder, by name.

    Every table is also an attribute, such as ``results.interactions``. ``results.describe("interactions")`` describes
    columns. ``results.calls`` has the calls of the language model.
    """

    path: Path
    manifest: Manifest
    tables: dict[str, pd.DataFrame]

    def __getattr__(self, name: str) -> pd.DataFrame:
        tables = self.__dict__.get("tables", {})
        if name in tables:
            table: pd.DataFrame = tables[name]
            return table
        raise AttributeError(f"{self.__dict__.get('path')} has no table {name!r}; it has {', '.join(tables)}")

    def __repr__(self) -> str:
        manifest = self.manifest
        model = ", ".join(dict.fromkeys(part for part in (manifest.model, manifest.backend) if part))
        tables = ", ".join(f"{name} ({len(table):,})" for name, table in self.tables.items())
        first = next(iter(self.tables), "NAME")
        lines = [
            f"Results of {manifest.experiment}, {manifest.status}",
            f"  folder   {self.path}",
            f"  seed     {manifest.seed}" if manifest.seed is not None else "",
            f"  model    {model}" if model else "",
            f"  tables   {shorten(tables, _WIDE, placeholder=' …')}" if tables else "",
            f"  figures  {shorten(', '.join(file.stem for file in self.figures), _WIDE, placeholder=' …')}"
            if self.figures
            else "",
            f"  next     results.{first}, results.describe({first!r}), results.posterior, scai-irl show {self.path}",
        ]
        return "\n".join(line for line in lines if line)

    def describe(self, table: str) -> pd.DataFrame:
        """Type and description of every column of a table.

        Args:
            table: Name of the table.

        Raises:
            InputError: If there is no such table.
        """
        if table not in self.tables:
            raise InputError(table, f"{self.path} has no such table", f"give one of {', '.join(self.tables)}")
        columns = self.tables[table]
        lines = [(name, str(columns[name].dtype), describe_column(table, str(name))) for name in columns]
        return pd.DataFrame(lines, columns=["column", "type", "description"])

    @property
    def interactions(self) -> pd.DataFrame:
        """One row for each interaction of the epoch loop, or of an import."""
        return self.__getattr__("interactions")

    @property
    def verbal_policies(self) -> pd.DataFrame:
        """One row for each assistant, run and epoch: the verbal policy that it follows."""
        return self.__getattr__("verbal_policies")

    @property
    def beliefs(self) -> pd.DataFrame:
        """Weight of each norm by run and epoch; in an audit of a model, by item and channel."""
        return self.__getattr__("beliefs")

    @property
    def alignment(self) -> pd.DataFrame:
        """Alignment of assistants with users, one row for each run and epoch."""
        return self.__getattr__("alignment")

    @property
    def summary(self) -> pd.DataFrame:
        """Alignment over runs, one row for each condition and epoch."""
        return self.__getattr__("summary")

    @property
    def costs(self) -> pd.DataFrame:
        """Calls, failures and tokens, one row for each condition and epoch."""
        return self.__getattr__("costs")

    @property
    def findings(self) -> pd.DataFrame:
        """Findings: questions, answers in a sentence, and numbers with intervals."""
        return self.__getattr__("findings")

    @property
    def scorecard(self) -> pd.DataFrame:
        """Score card of an audited model, one row for each measure and channel."""
        return self.__getattr__("scorecard")

    @functools.cached_property
    def posterior(self) -> Any:
        """Posteriors as an ArviZ object (`InferenceData` with ArviZ 0.23, `DataTree` with 1.x).

        Raises:
            InputError: If the folder holds no posteriors.
        """
        file = self.path / POSTERIOR
        if not file.exists():
            raise InputError(str(file), "there are no posteriors in this folder", "run an experiment or an audit")
        return arviz_compat.load(file)

    @functools.cached_property
    def calls(self) -> pd.DataFrame:
        """Calls of the language model, one row each, in the order of the answers.

        Raises:
            InputError: If the folder holds none.
        """
        file = self.path / CALLS
        if not file.exists():
            raise InputError(str(file), "there are no calls in this folder", "run with a backend that stores its calls")
        store = CallStore(file, read_only=True)
        try:
            return store.table()
        finally:
            store.close()

    @property
    def figures(self) -> list[Path]:
        """Figures of the folder."""
        return sorted((self.path / FIGURES).glob("*.png"))


def load(path: str | Path) -> Results:
    """Load a results folder as typed tables and ArviZ objects.

    Args:
        path: Folder written by ``scai-irl run``, ``import`` or ``audit``.

    Raises:
        InputError: If it is no results folder, or a table in it is damaged.
    """
    folder = Path(path)
    manifest = Manifest.read(folder)
    tables = {}
    for file in sorted(folder.glob("*.parquet")):
        try:
            tables[file.stem] = pd.read_parquet(file)
        except (OSError, ValueError) as damaged:  # pyarrow's errors are subclasses of these
            hint = "restore the file, or delete the folder and run again"
            raise InputError(str(file), "not a table that can be read", hint) from damaged
    return Results(folder, manifest, tables)
