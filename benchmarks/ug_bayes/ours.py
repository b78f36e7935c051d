"""This project's program: `infer` over a hierarchy, with the command line's cache of compiled programs."""

from __future__ import annotations

import jax
import numpy as np
from scipy.special import ndtri

from benchmarks.ug_bayes.protocol import CHAINS, DRAWS, SPREAD, UPPER, WARMUP, Draws, Problem, measure
from inference import evidence
from inference.continuous.hierarchy import Hierarchical
from inference.continuous.learning import UgBayes
from inference.infer import infer
from inference.samplers.nuts import Nuts

_STAKE = 20


def fit(problem: Problem, seed: int) -> Draws:
    offer = np.rint(problem.offer).astype(int)
    data = evidence(_STAKE, offer, problem.accepted, False, True)
    family = Hierarchical(base=UgBayes(), rows=len(offer), spread=SPREAD)
    # Trees are of equal depth here, so chains that are stepped together hardly wait for each other.
    method = Nuts(chains=CHAINS, warmup=WARMUP, draws=DRAWS, chain_method="vectorized", warmup_depth=5)
    posterior = infer(family, data, key=jax.random.key(seed), method=method)
    theta = posterior.theta
    names = UgBayes().coordinate_names
    group = np.stack([theta[f"population_{name}"][0] for name in names], axis=-1)
    subject = np.stack([theta[name][0] for name in names], axis=-1)
    diverging = int(posterior.fit.stats["diverging"].sum())
    return Draws(on_the_line(group), on_the_line(subject), diverging)


def on_the_line(values: np.ndarray) -> np.ndarray:
    """Compute Φ⁻¹(θ / h), the scale on which all programs are compared."""
    return np.asarray(ndtri(values / UPPER))


if __name__ == "__main__":
    measure(fit)
