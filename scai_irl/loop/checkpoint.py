"""Finished epochs on disk: a folder each, whole or not there, from which a killed experiment goes on."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import jax.numpy as jnp
import pandas as pd
import xarray as xr

from envs.schedule import Schedule
from inference import DiscretePosterior, Hypotheses, uniform_posterior
from inference import arviz_compat as arviz_seam
from scai_irl.io.errors import InputError
from scai_irl.io.files import folder_written_whole, write_json
from scai_irl.lm.ask import Tally
from scai_irl.loop.epoch import EpochRecord

EPOCHS = "epochs"
_INTERACTIONS, _VERBAL, _COSTS, _BELIEF, _TALLY = (
    "interactions.parquet",
    "verbal_policies.parquet",
    "costs.parquet",
    "belief.nc",
    "tally.json",
)


def epoch_folder(results: Path, schedule: Schedule, epoch: int) -> Path:
    """Folder of one epoch of one group."""
    return results / EPOCHS / f"{schedule.name}-epoch{epoch:03d}"


def save_epoch(results: Path, schedule: Schedule, epoch: int, record: EpochRecord) -> None:
    """Write a finished epoch."""
    with folder_written_whole(epoch_folder(results, schedule, epoch)) as folder:
        record.interactions.to_parquet(folder / _INTERACTIONS, index=False, compression="zstd")
        record.verbal_policies.to_parquet(folder / _VERBAL, index=False, compression="zstd")
        record.costs.to_parquet(folder / _COSTS, index=False, compression="zstd")
        belief = xr.Dataset(
            {
                "log_prob": (("row", "hypothesis"), record.posterior.log_prob),
                "log_evidence": (("row",), record.posterior.log_evidence),
            }
        )
        if record.posterior.rest is not None:  # without it, a resumed run would differ in the last digit
            belief["rest"] = (("row", "hypothesis"), record.posterior.rest)
        (folder / _BELIEF).write_bytes(arviz_seam.netcdf(belief))
        write_json(folder / _TALLY, asdict(record.tally))


def epochs_finished(results: Path, schedule: Schedule, epochs: int) -> int:
    """Number of epochs that are finished, from the first on without a gap."""
    for epoch in range(1, epochs + 1):
        if not epoch_folder(results, schedule, epoch).is_dir():
            return epoch - 1
    return epochs


def load_belief(results: Path, schedule: Schedule, epoch: int, hypotheses: Hypotheses, rows: int) -> DiscretePosterior:
    """Read the belief after an epoch; after epoch 0 it is the uniform prior."""
    if epoch == 0:
        return uniform_posterior(hypotheses, rows)
    folder = epoch_folder(results, schedule, epoch)
    with _telling_damage(folder), xr.open_dataset(folder / _BELIEF, engine="h5netcdf") as belief:
        return DiscretePosterior(
            hypotheses,
            jnp.asarray(belief["log_prob"].to_numpy()),
            jnp.asarray(belief["log_evidence"].to_numpy()),
            rest=jnp.asarray(belief["rest"].to_numpy()) if "rest" in belief else None,
        )


def load_tables(results: Path, schedule: Schedule, epoch: int) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Read an epoch's interactions, verbal policies and costs."""
    folder = epoch_folder(results, schedule, epoch)
    with _telling_damage(folder):
        found = [pd.read_parquet(folder / name) for name in (_INTERACTIONS, _VERBAL, _COSTS)]
    return found[0], found[1], found[2]


def load_tally(results: Path, schedule: Schedule, epoch: int) -> Tally:
    """Read what an epoch's calls cost."""
    folder = epoch_folder(results, schedule, epoch)
    with _telling_damage(folder):
        return Tally(**json.loads((folder / _TALLY).read_text(encoding="utf-8")))


@contextlib.contextmanager
def _telling_damage(folder: Path) -> Iterator[None]:
    """Turn whatever a reader says of a damaged file into one line.

    Raises:
        InputError: In its place.
    """
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError) as damaged:
        mend = "delete this folder and run the same command again: the epoch is played anew"
        raise InputError(str(folder), "not an epoch that can be read", mend) from damaged
