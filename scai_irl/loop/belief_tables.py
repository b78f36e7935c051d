"""Posteriors of all runs after every epoch, as a table and as an ArviZ object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
import pandas as pd
import xarray as xr

from envs.seeds import derive_key
from inference import DiscretePosterior, arviz_compat
from scai_irl.loop.epoch import Epoch
from scai_irl.loop.epoch_tables import index_columns
from scai_irl.loop.setting import Setting

_DRAWS = 200


def beliefs_table(epoch: Epoch, posterior: DiscretePosterior) -> pd.DataFrame:
    """Make a table with one line for each run and norm: expected weight, 90 % interval and true weight.

    The interval is NaN for hypotheses without unknown weights.

    Args:
        epoch: The epoch; number 0 stands for the prior.
        posterior: Posterior after the epoch.
    """
    setting = epoch.setting
    expected = posterior.norm_probabilities
    norms = posterior.norms
    names = setting.hypotheses.coordinates()
    truth = np.zeros(expected.shape)
    for row, condition in enumerate(setting.condition_of_row):
        for norm, weight in zip(*condition.population_in(epoch.number), strict=True):
            if norm in norms:
                truth[row, norms.index(norm)] = weight
    interval = np.full((*expected.shape, 2), np.nan)
    for n, norm in enumerate(norms):
        if f"weight_{norm}" in names:
            # Weights lie on a grid in single precision; rounding makes them equal to the true weight.
            interval[:, n] = posterior.interval(f"weight_{norm}", 0.9).round(6)
    columns = index_columns(epoch, len(norms)) | {
        "norm": list(norms) * setting.rows,
        "weight": expected.reshape(-1).astype(float),
        "low": interval[..., 0].reshape(-1),
        "high": interval[..., 1].reshape(-1),
        "truth": truth.reshape(-1).astype(float),
    }
    return pd.DataFrame(columns)


def beliefs_arviz(setting: Setting, beliefs: Mapping[str, Sequence[DiscretePosterior]]) -> Any:
    """Collect the posteriors of all groups and epochs in one ArviZ object.

    Args:
        setting: The experiment.
        beliefs: For each group, the posterior after every epoch; the first one is the prior (epoch 0).

    Returns:
        Group ``posterior``: 200 draws of each coordinate, (chain, draw, condition, run, epoch), with one chain of
        independent draws. Group ``constant_data``: exact probabilities (condition, run, epoch, hypothesis), log
        evidence, and the hypotheses' coordinates.
    """
    coordinates = setting.hypotheses.coordinates()
    conditions, runs = len(setting.conditions), len(setting.runs)
    names = [c.name(group) for group in beliefs for c in setting.conditions]
    draws, probability, log_evidence = [], [], []
    for group, after_epoch in beliefs.items():
        key = derive_key(setting.seed, setting.experiment, group, "arviz")
        rows = jnp.arange(setting.rows)
        samples = [posterior.sample(key, _DRAWS, rows) for posterior in after_epoch]
        draws.append(np.stack(samples, axis=-1).reshape(conditions, runs, _DRAWS, -1))
        exact = np.stack([posterior.probabilities for posterior in after_epoch], axis=1)
        probability.append(exact.reshape(conditions, runs, *exact.shape[1:]))
        evidence = np.stack([np.asarray(posterior.log_evidence) for posterior in after_epoch], axis=1)
        log_evidence.append(evidence.reshape(conditions, runs, -1))
    index = np.moveaxis(np.concatenate(draws), 2, 0)[None]
    dims = ("chain", "draw", "condition", "run", "epoch")
    coords = {
        "condition": names,
        "run": list(setting.runs),
        "epoch": np.arange(setting.epochs + 1),
    }
    sampled_values = {name: (dims, values[index]) for name, values in coordinates.items()}
    posterior = xr.Dataset(
        sampled_values | {"hypothesis": (dims, index)},
        coords=coords | {"chain": [0], "draw": np.arange(_DRAWS)},
    )
    exact_values: dict[str, Any] = {
        "probability": (("condition", "run", "epoch", "hypothesis"), np.concatenate(probability)),
        "log_evidence": (("condition", "run", "epoch"), np.concatenate(log_evidence)),
    }
    exact_values |= {f"hypothesis_{name}": (("hypothesis",), v) for name, v in coordinates.items()}
    return arviz_compat.combine({"posterior": posterior, "constant_data": xr.Dataset(exact_values, coords=coords)})
