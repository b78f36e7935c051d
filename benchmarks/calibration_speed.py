"""A thousand posteriors in one compiled program, compared with one `numpyro.infer.MCMC` for each data set.

``python -m benchmarks.calibration_speed``. Both calibrate envy and guilt (Fehr–Schmidt with known noise) with the same
density, data sets and steps. The rival does the first data sets of the thousand, since all would take half an hour; its
time for a thousand is worked out from these.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

import jax
import numpy as np
import numpyro
from numpyro import distributions
from numpyro.infer import MCMC, NUTS
from tabulate import tabulate

from benchmarks.report import machine
from benchmarks.ug_bayes.protocol import now
from inference import calibrate, continuous_family
from inference.continuous.family import HypothesisFamily
from inference.samplers.nuts import Nuts
from inference.samplers.runs import as_arrays

METHOD = Nuts(chains=1, warmup=200, draws=99, thin=3)


def family_and_design() -> tuple[HypothesisFamily, Any]:
    """Return the two-parameter family and the design of one data set."""
    entry = continuous_family("fehr-schmidt")
    return entry.family.fix(rationality=30.0, lapse=0.05), entry.design()


def one_object_each(family: HypothesisFamily, design: Any, count: int) -> list[tuple[float, float]]:
    """Draw truths and data, fit each data set by its own MCMC object, and return the seconds of each fit."""
    seen = jax.tree.map(lambda leaf: leaf[0], as_arrays(family.arrange(design)))

    def model(summary: Any) -> None:
        u = numpyro.sample("u", distributions.Normal(0, 1).expand([family.dimension]).to_event(1))
        numpyro.factor("likelihood", family.log_likelihood(family.theta(u), summary))

    spent = []
    for number in range(count):
        key_truth, key_data, key_fit = jax.random.split(jax.random.fold_in(jax.random.key(0), number), 3)
        truth = family.theta(jax.random.normal(key_truth, (family.dimension,)))
        summary = family.summarise(family.simulate(key_data, truth, seen))
        before = now()
        sampler = MCMC(
            NUTS(model, target_accept_prob=METHOD.target_accept),
            num_warmup=METHOD.warmup,
            num_samples=METHOD.draws * METHOD.thin,
            progress_bar=False,
        )
        sampler.run(key_fit, summary)
        np.asarray(sampler.get_samples()["u"])
        spent.append(since(before))
    return spent


def since(before: tuple[float, float]) -> tuple[float, float]:
    """Return the wall and processor seconds since a start."""
    wall, processor = np.subtract(now(), before)
    return float(wall), float(processor)


def main() -> None:
    """Read the command line, measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calibration_speed", description=__doc__)
    parser.add_argument("--replications", type=int, default=1_000, help="data sets of the one program")
    parser.add_argument("--rival", type=int, default=20, help="data sets of the rival")
    parser.add_argument("--devices", type=int, default=len(os.sched_getaffinity(0)), help="devices of the one program")
    options = parser.parse_args()
    jax.config.update("jax_num_cpu_devices", options.devices)  # type: ignore[no-untyped-call]
    family, design = family_and_design()
    rows = []
    worst = 0.0
    for name, key in (("one program, compiled first", 0), ("one program, again", 1)):
        before = now()
        results = calibrate(family, design, METHOD, jax.random.key(key), options.replications)
        rows.append([name, options.replications, *since(before)])
        worst = max(worst, results.worst)
    # The first object also pays for what is compiled once in a process; it counts, as it does among a thousand.
    spent = np.asarray(one_object_each(family, design, options.rival))
    first, other = spent[0], spent[1:].mean(axis=0)
    rival = first + (options.replications - 1) * other
    rows.append([f"an MCMC object each ({options.rival} measured)", options.replications, *rival])
    for row in rows:
        row += [rival[0] / row[2], rival[1] / row[3]]
    headers = ("way", "data sets", "wall s", "processor s", "ratio (wall)", "ratio (processor)")
    lines = [
        tabulate(rows, headers=headers, floatfmt=("", ".0f", ".1f", ".1f", ".0f", ".0f")),
        f"{METHOD.warmup} + {METHOD.draws * METHOD.thin} steps each; devices: {options.devices}; "
        f"ranks' largest deviation over what the envelope allows: {worst:.2f}",
        machine(),
    ]
    sys.stdout.write("\n".join([*lines, ""]))


if __name__ == "__main__":
    main()
