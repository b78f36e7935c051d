"""Results folders, read back in one line."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from inference import arviz_compat
from scai_irl.io.errors import InputError
from scai_irl.lm.cache import CALLS, CallStore
from scai_irl.results.manifest import Manifest

POSTERIOR = "posterior.nc"
FIGURES = "figures"


@dataclass(frozen=True)
class Results:
    """A results folder.

    Attributes:
        path: The folder.
        manifest: What was run, with what and where.
        tables: Every Parquet table in the folder, by name.

    Tables are attributes too: ``results.interactions``, ``results.verbal_policies``, ``results.beliefs``,
    ``results.alignment`` (by run), ``results.summary`` (over runs), or those of an audit.
    ``results.calls`` is made of the record of calls, where a language model was asked.
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
        """Calls of the language model, a line each, in the order in which they were answered.

        Raises:
            InputError: If the folder holds none.
        """
        file = self.path / CALLS
        if not file.exists():
            raise InputError(str(file), "there are no calls in this folder", "run with a backend that keeps its calls")
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
            mend = "restore the file, or delete the folder and run again"
            raise InputError(str(file), "not a table that can be read", mend) from damaged
    return Results(folder, manifest, tables)
