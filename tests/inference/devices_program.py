"""A program that computes on several devices or hosts and stores the results: ``python -m … WHAT DEVICES FILE``."""

from __future__ import annotations

import sys
from collections.abc import Callable

import jax
import numpy as np

from envs import derive_key
from envs.devices import join_hosts
from envs.policy import Norm, Policy
from envs.soft_policy import PolicyTable
from envs.vector import rollout, sampling_tables
from inference import (
    Nuts,
    Smc,
    calibrate,
    continuous_family,
    evidence,
    infer,
    make_family,
    stream_posteriors,
    summarise_posteriors,
)
from inference.discrete.evidence import Evidence
from inference.samplers.grid import Grid

Arrays = dict[str, np.ndarray]


def made_up(runs: int, plays: int = 6) -> Evidence:
    """Random interactions."""
    rng = np.random.default_rng(3)
    stake = rng.integers(1, 120, (runs, plays))
    offer = rng.integers(0, np.minimum(stake, 100) + 1)
    accepted, offer_seen, answer_seen = (rng.random((3, runs, plays)) < 0.7).astype(int)
    return evidence(stake, offer, accepted, offer_seen, answer_seen)


def exactly() -> Arrays:
    """Posteriors, at once and by update, for numbers of runs that are and are not multiples of the devices."""
    arrays: Arrays = {}
    for name in ("norm-mixtures", "ces-grid"):
        hypotheses = make_family(name, [50.0], [0.02])
        for runs in (13, 24):
            data = made_up(runs)
            posterior = infer(hypotheses, data, infer(hypotheses, data))
            arrays[f"{name} {runs}"] = np.asarray(posterior.log_prob)
            arrays[f"{name} {runs} evidence"] = np.asarray(posterior.log_evidence)
    return arrays


def streamed() -> Arrays:
    """Summaries, in one chunk and in several."""
    arrays: Arrays = {}
    for name in ("norm-mixtures", "fehr-schmidt-grid"):
        hypotheses = make_family(name, [50.0], [0.02])
        summaries = summarise_posteriors(hypotheses, made_up(2_100), draws=2, key=derive_key(1, "draws"))
        parts = stream_posteriors(
            hypotheses, made_up(2_100), draws=2, key=derive_key(1, "draws"), runs_at_once=512 // jax.device_count()
        )
        cut = [part.draws for part in parts]
        arrays |= {
            f"{name} evidence": summaries.log_evidence,
            f"{name} entropy": summaries.entropy,
            f"{name} share": summaries.offered_share,
            f"{name} draws": summaries.draws,
            f"{name} draws in chunks": np.concatenate(cut),
        }
    return arrays


def simulated() -> Arrays:
    """Interactions in numbers of environments that are and are not multiples of the devices."""
    tables = [Policy.of(Norm(name, rationality=20.0)).table(jax.numpy.asarray([20])) for name in ("fair", "selfish")]
    rows = sampling_tables(PolicyTable(*(jax.numpy.concatenate(leaves) for leaves in zip(*tables, strict=True))))
    arrays: Arrays = {}
    for environments in (64, 61):
        row = np.arange(environments) % 2
        played = rollout(derive_key(2, "plays"), rows, row, row, np.full(environments, 20), plays=5)
        arrays |= {f"{name} {environments}": np.asarray(leaf) for name, leaf in played._asdict().items()}
    return arrays


def sampled() -> Arrays:
    """Draws of several data sets, of several chains of one, and ranks of calibration."""
    family = continuous_family("fehr-schmidt").family.fix(rationality=30.0, lapse=0.05)
    arrays: Arrays = {}
    chains = Nuts(chains=3, warmup=20, draws=20)
    for runs, method in ((1, chains), (11, chains), (11, Smc(populations=2, particles=40))):
        key = derive_key(4, "fit")
        fit = infer(family, made_up(runs), key=key, method=method, allow_disagreement=True).fit
        arrays |= {f"{method.name} {runs} {name}": np.asarray(getattr(fit, name)) for name in ("u", "log_joint")}
    ranks = calibrate(family, continuous_family("fehr-schmidt").design(), Grid(points=9), derive_key(5), 21).ranks
    return arrays | {f"rank of {name}": rank for name, rank in ranks.items()}


WHAT: dict[str, Callable[[], Arrays]] = {
    "exact": exactly,
    "stream": streamed,
    "simulation": simulated,
    "samplers": sampled,
}


def main() -> None:
    """Compute and store the results; as one of several hosts with the argument ``hosts`` under a scheduler."""
    what, devices, file, *hosts = sys.argv[1:]
    update: Callable[[str, object], None] = jax.config.update
    update("jax_num_cpu_devices", int(devices))
    if hosts:
        join_hosts()
    arrays = WHAT[what]()
    np.savez(file, devices=np.array(jax.device_count()), **arrays)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
