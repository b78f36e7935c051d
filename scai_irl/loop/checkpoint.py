"""Finished epochs on disk, from which a killed run resumes; each has a folder that is written atomically."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import jax.numpy as jnp
import pandas as pd
import xarray as xr

from inference import DiscretePosterior, arviz_compat
from scai_irl.io.errors import InputError
from scai_irl.io.files import folder_written_whole, telling_disk_errors, write_json
from scai_irl.lm.tally import Tally
from scai_irl.loop.epoch import Epoch
from scai_irl.loop.play_epoch import EpochRecord

_EPOCHS = "epochs"
_INTERACTIONS, _VERBAL, _COSTS, _BELIEF, _TALLY = (
    "interactions.parquet",
    "verbal_policies.parquet",
    "costs.parquet",
    "belief.nc",
    "tally.json",
)


class EpochFolders:
    """Sink that saves every epoch in its own folder, ``epochs/GROUP-epochNNN`` of a results folder.

    Args:
        results: Results folder.
    """

    def __init__(self, results: Path) -> None:
        self._results = results
        self._root = results / _EPOCHS

    def load(self, epoch: Epoch) -> EpochRecord | None:
        """Load an epoch; None if it has no folder.

        Raises:
            InputError: If a file of the folder cannot be read.
        """
        folder = self._folder(epoch)
        return _load_record(folder, epoch) if folder.is_dir() else None

    def save(self, record: EpochRecord) -> EpochRecord:
        """Save an epoch and load it again, so that a resumed run continues from the same values."""
        with telling_disk_errors(self._results):
            self._root.mkdir(exist_ok=True)
        whole = self._folder(record.epoch)
        with folder_written_whole(whole) as folder:
            record.interactions.to_parquet(folder / _INTERACTIONS, index=False, compression="zstd")
            record.verbal_policies.to_parquet(folder / _VERBAL, index=False, compression="zstd")
            record.costs.to_parquet(folder / _COSTS, index=False, compression="zstd")
            _save_posterior(folder / _BELIEF, record.posterior)
            write_json(folder / _TALLY, asdict(record.tally))
        return _load_record(whole, record.epoch)

    def _folder(self, epoch: Epoch) -> Path:
        return self._root / f"{epoch.schedule.name}-epoch{epoch.number:03d}"


def _load_record(folder: Path, epoch: Epoch) -> EpochRecord:
    with _damage_reported(folder):
        return EpochRecord(
            epoch,
            pd.read_parquet(folder / _INTERACTIONS),
            pd.read_parquet(folder / _VERBAL),
            pd.read_parquet(folder / _COSTS),
            _load_posterior(folder / _BELIEF, epoch),
            Tally(**json.loads((folder / _TALLY).read_text(encoding="utf-8"))),
        )


def _save_posterior(file: Path, posterior: DiscretePosterior) -> None:
    values = xr.Dataset(
        {
            "log_prob": (("row", "hypothesis"), posterior.log_prob),
            "log_evidence": (("row",), posterior.log_evidence),
        }
    )
    if posterior.rest is not None:  # without it, a resumed run would differ in the last digit
        values["rest"] = (("row", "hypothesis"), posterior.rest)
    file.write_bytes(arviz_compat.netcdf(values))


def _load_posterior(file: Path, epoch: Epoch) -> DiscretePosterior:
    with xr.open_dataset(file, engine="h5netcdf") as values:
        return DiscretePosterior(
            epoch.setting.hypotheses,
            jnp.asarray(values["log_prob"].to_numpy()),
            jnp.asarray(values["log_evidence"].to_numpy()),
            rest=jnp.asarray(values["rest"].to_numpy()) if "rest" in values else None,
        )


@contextlib.contextmanager
def _damage_reported(folder: Path) -> Iterator[None]:
    """Report any error of reading a folder in one line.

    Raises:
        InputError: If a file cannot be read.
    """
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError) as damaged:
        hint = "delete this folder and run the same command again: the epoch is played anew"
        raise InputError(str(folder), "not an epoch that can be read", hint) from damaged
