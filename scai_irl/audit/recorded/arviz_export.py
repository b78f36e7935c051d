"""Export of an audit's numerical posteriors as an ArviZ object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float

from envs.seeds import derive_key
from inference import arviz_compat
from scai_irl.audit.recorded.numerical import Beliefs, Recording
from scai_irl.audit.recorded.recorded_hypotheses import UserHypotheses

_DRAWS = 100


def audit_arviz(
    recording: Recording,
    hypotheses: UserHypotheses,
    beliefs: Mapping[str, Beliefs],
    truth: Float[np.ndarray, "run norm"],
) -> Any:
    """Export the numerical posteriors of all runs, epochs and memories to one ArviZ object.

    Returns:
        Group ``posterior``: 100 independent draws of the weights of the norms, (chain, draw, memory, recorded_run,
        epoch, norm). Group ``constant_data``: the exact probability of every point of the simplex, the points, the
        expected weights, the posterior over single norms, means of the nuisance parameters, log evidence, and the
        users' true composition. The design columns of the runs are coordinates.
    """
    memories, norms = list(beliefs), list(hypotheses.setting.norms)
    stacked = Beliefs(*(np.stack(leaves) for leaves in zip(*beliefs.values(), strict=True)))
    shape = stacked.points.shape[:3]
    posterior = hypotheses.marginal_posterior(stacked.points.reshape(-1, len(hypotheses.points)))
    index = posterior.sample(derive_key(hypotheses.setting.seed, "recorded", "arviz"), _DRAWS)
    samples = hypotheses.points[index].reshape(*shape, _DRAWS, len(norms))
    each = ("memory", "recorded_run", "epoch")
    coordinates: dict[str, Any] = {
        "memory": memories,
        "epoch": recording.epochs,
        "norm": norms,
        "number": list(hypotheses.nuisance_names),
        **{str(name): ("recorded_run", values.to_numpy(object)) for name, values in recording.runs.items()},
        "run": ("recorded_run", recording.runs["run"].to_numpy(int)),
    }
    draws = xr.Dataset(
        {"weight": (("chain", "draw", *each, "norm"), np.moveaxis(samples, 3, 0)[None])},
        coords={name: value for name, value in coordinates.items() if name != "number"}
        | {"chain": [0], "draw": np.arange(_DRAWS)},
    )
    exact = xr.Dataset(
        {
            "probability": ((*each, "point"), stacked.points.astype(np.float32)),
            "point_weight": (("point", "norm"), hypotheses.points),
            "expected_weight": ((*each, "norm"), stacked.weights),
            "one_norm_probability": ((*each, "norm"), stacked.one_norm),
            "single_norm": ((*each, "norm"), stacked.which_norm),
            "nuisance": ((*each, "number"), stacked.nuisance),
            "log_evidence": (each, stacked.log_evidence),
            "truth": (("recorded_run", "norm"), truth),
        },
        coords=coordinates,
    )
    return arviz_compat.combine({"posterior": draws, "constant_data": exact})
