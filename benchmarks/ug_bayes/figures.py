"""Conversion of draws and times to the table; ArviZ computes effective draws for all programs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tabulate import tabulate

from benchmarks.ug_bayes.protocol import UPPER
from inference import arviz_compat


@dataclass(frozen=True)
class Figures:
    """Measurements of one program; effective draws and R̂ are means and maxima over its warm fits.

    Attributes:
        name: The program.
        cold: Wall seconds from the start of its process to the end of its first fit.
        cached: The same of a second process, which finds what the first compiled.
        warm: Processor seconds of a second fit in the same process, recompilation included.
        sampling: Processor seconds of the sampler alone, warm-up included.
        group: Smallest effective number of draws of group means.
        subjects: The same of subjects' parameters.
        r_hat: Largest R̂ of all these.
        divergences: Steps that diverged in a fit.
        means: Posterior means of the group's (α, β, τ) at μ, h Φ(μ).
    """

    name: str
    cold: float
    cached: float
    warm: float
    sampling: float
    group: float
    subjects: float
    r_hat: float
    divergences: float
    means: tuple[float, ...]

    @property
    def group_speed(self) -> float:
        """Effective draws of the slowest group mean, per second of sampling."""
        return self.group / self.sampling

    @property
    def subjects_speed(self) -> float:
        """Effective draws of the slowest subject's parameter, per second of sampling."""
        return self.subjects / self.sampling


def read_figures(name: str, file: Path, cold: float, cached: float) -> Figures:
    """Compute the figures from a program's file; its first fit counts only for the cold start."""
    with np.load(file) as stored:
        warm_fits = {key: stored[key] for key in stored.files}
    ess, r_hat = [], []
    for group, subject in zip(warm_fits["group"][1:], warm_fits["subject"][1:], strict=True):
        columns = [np.asarray(values, np.float64).reshape(*values.shape[:2], -1) for values in (group, subject)]
        ess.append([min(effective_draws(c[..., n]) for n in range(c.shape[-1])) for c in columns])
        r_hat += [float(arviz_compat.arviz().rhat(c[..., n])) for c in columns for n in range(c.shape[-1])]
    smallest = np.mean(ess, axis=0)
    return Figures(
        name,
        cold,
        cached,
        float(warm_fits["fit_seconds"][1:, 1].mean()),
        float(warm_fits["sampling_seconds"][1:, 1].mean()),
        float(smallest[0]),
        float(smallest[1]),
        max(r_hat),
        float(warm_fits["divergences"][1:].mean()),
        tuple((UPPER * normal_cdf(warm_fits["group"][1:])).mean(axis=(0, 1, 2)).tolist()),
    )


def effective_draws(values: np.ndarray) -> float:
    """Compute the bulk effective sample size of one quantity, (chain, draw)."""
    return float(arviz_compat.arviz().ess(values, method="bulk"))


def normal_cdf(x: np.ndarray) -> np.ndarray:
    """Φ."""
    from scipy.special import ndtr  # noqa: PLC0415 - it comes with JAX

    return np.asarray(ndtr(np.asarray(x, np.float64)))


def table(measured: list[Figures], ours: str) -> str:
    """Return a table with one row for each program, and this project's speed-up over the best rival."""
    rows = [
        [
            f.name, f.cold, f.cached, f.warm, f.sampling, f.group_speed, f.subjects_speed, f.r_hat, f.divergences,
            " ".join(f"{mean:.2f}" for mean in f.means),
        ]
        for f in measured
    ]  # fmt: skip
    headers = (
        "program", "cold s", "cached s", "warm fit s", "sampling s", "ESS/s groups", "ESS/s subjects", "max R̂",
        "divergent", "group α β τ",
    )  # fmt: skip
    formats = ("", ".1f", ".1f", ".2f", ".2f", ".0f", ".0f", ".3f", ".1f", "")
    lines = [tabulate(rows, headers=headers, floatfmt=formats)]
    own = [f for f in measured if f.name == ours]
    others = [f for f in measured if f.name != ours]
    if own and others:
        group = own[0].group_speed / max(f.group_speed for f in others)
        subjects = own[0].subjects_speed / max(f.subjects_speed for f in others)
        lines.append(f"{ours} / best rival: groups {group:.2f}, subjects {subjects:.2f}")
    return "\n".join(lines)
