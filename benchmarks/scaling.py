"""The cost model beside measurements: `python -m benchmarks.scaling` fits it and prints what it predicts.

Exact posteriors are measured over runs × hypotheses × plays, and a language model in this process over conversations
and lengths of answers. Points are held out of the fit: sizes in between, and the largest. Tokens of an experiment come
from playing it with the phrasebook (`scai_irl.lm.estimate`); seconds on GPUs are predictions from data sheets and
assumed shares of their figures, and nothing else.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import closing
from dataclasses import replace
from itertools import product
from typing import Any

import jax
import numpy as np
from tabulate import tabulate

from benchmarks.cost_model import (
    MODELS,
    Assumed,
    Size,
    Tokens,
    exact_seconds,
    fitted,
    model_seconds,
    relative_errors,
    terms,
    token_seconds,
)
from benchmarks.embedded_speed import conversations, written
from benchmarks.machine_limits import CLOCKS, SHEETS, Clock, best_seconds
from benchmarks.report import machine
from inference import Evidence, evidence, parameter_grid, summarise_posteriors
from scai_irl.config import check
from scai_irl.experiment import find_experiments
from scai_irl.lm.embedded import Embedded
from scai_irl.lm.settings import LmSettings

_ROUNDS = 2
_MILLION = Size(runs=1_000_000, hypotheses=10_000, plays=50)
_EXPERIMENTS = ("one-group-norm", "mixed-group-norm", "subgroup-norms", "inconsistent-language")
_GPUS = (8, 64)
_ANSWER = 40.0  # tokens; the organisms' policies in words have about thirty
_BYTES, _BYTES_AT_MOST = 3.5, 5.0  # of a token: what is taken, and the estimate's upper end


def plays_of(size: Size) -> Evidence:
    """Any plays at stakes from 10 to 100."""
    rng = np.random.default_rng(0)
    stake = rng.integers(10, 101, (size.runs, size.plays))
    return evidence(stake, rng.integers(0, stake + 1), rng.random(stake.shape) < 0.7)


def exact_seconds_measured(size: Size, clock: Clock) -> float:
    """Seconds of summaries on all devices, compiled before."""
    grid = parameter_grid(
        "fehr_schmidt",
        {"alpha": np.linspace(0, 4, size.hypotheses // 32), "beta": np.linspace(0, 1, 32)},
        lapse=(0.01,),
    )
    data = plays_of(size)
    return best_seconds(lambda: summarise_posteriors(grid, data), _ROUNDS, clock)


def exact_grid(small: bool) -> tuple[list[Size], np.ndarray]:
    """Sizes, and which are held out: those in between, and the largest."""
    runs, hypotheses, plays = ((512, 1_536, 4_096), (256, 1_024, 4_096), (10, 30))
    if not small:
        runs, hypotheses, plays = ((512, 2_048, 16_384), (1_024, 4_096, 10_240), (10, 50))
    sizes = [Size(*entry) for entry in product(runs, hypotheses, plays)]
    between = [size.runs == runs[1] and size.hypotheses == hypotheses[1] for size in sizes]
    largest = [size.runs == runs[2] and size.hypotheses == hypotheses[2] for size in sizes]
    return sizes, np.array(between) | np.array(largest)


def model_points(small: bool, clock: Clock) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Terms (1, tokens read, tokens written) and seconds of an organism, and which points are held out: the largest.

    The backend fills batches up to 64 conversations, and these are whole ones; half of one takes as long.
    """
    rows, seconds, held = [], [], []
    numbers, lengths = (64, 128, 192) if small else (64, 128, 192, 320), (8, 24, 64)
    with closing(Embedded(LmSettings(model="bayes"))) as backend:
        for number, length in product(numbers, lengths):
            asked = [
                replace(one, sampling=replace(one.sampling, max_tokens=length)) for one in conversations(number, False)
            ]
            read, wrote = written(backend, asked)
            rows.append([1.0, read, wrote])
            seconds.append(best_seconds(lambda asked=asked: written(backend, asked), _ROUNDS, clock))  # type: ignore[misc]
            held.append(number == numbers[-1])
    return np.array(rows, np.float64), np.array(seconds), np.array(held)


def fit_table(
    rows: np.ndarray, seconds: np.ndarray, held: np.ndarray, labels: list[list[Any]], headers: list[str]
) -> tuple[str, np.ndarray]:
    """Fit, and show measured and predicted seconds of every point."""
    coefficients = fitted(rows[~held], seconds[~held])
    predicted, off = rows @ coefficients, relative_errors(rows, seconds, coefficients)
    shown = [
        [*label, one, other, 100 * error, "held out" if out else ""]
        for label, one, other, error, out in zip(labels, seconds, predicted, off, held, strict=True)
    ]
    table = tabulate(shown, headers=[*headers, "measured s", "model s", "% off", ""], floatfmt=".3g", intfmt=",")
    inside, outside = (100 * float(np.abs(off[which]).mean()) for which in (~held, held))
    summary = f"mean absolute error: {inside:.0f} % of the points fitted, {outside:.0f} % of those held out"
    return f"{table}\n{summary}", coefficients


def tokens_of(name: str, **options: object) -> Tokens:
    """Tokens of an experiment if every answer is read at once, has `_ANSWER` tokens, and a token has 3.5 bytes."""
    experiment = find_experiments()[name]
    assert experiment.estimate is not None
    told = experiment.estimate(check(experiment.config, {"backend": "vllm-server", "dry_run": True, **options}))
    return Tokens(told.prompt_tokens[0] * _BYTES_AT_MOST / _BYTES, _ANSWER * told.calls[0])


def predictions() -> str:
    """Seconds on H200s, which nobody measured."""
    sheet, assumed = SHEETS["H200"], Assumed()
    rows: list[list[Any]] = [
        ["exact, 10⁶ runs × 10⁴ hypotheses × 50 plays", "", None, None]
        + [exact_seconds(_MILLION, sheet, gpus, share=0.3) for gpus in _GPUS]
    ]
    for name in _EXPERIMENTS:
        tokens = tokens_of(name)
        for model in MODELS:
            seconds = [model_seconds(model, sheet, gpus, tokens, assumed) for gpus in _GPUS]
            rows.append([name, model.name, tokens.read, tokens.written, *seconds])
    headers = ["task", "model", "tokens read", "written", *(f"{gpus} H200, s" for gpus in _GPUS)]
    return tabulate(rows, headers=headers, floatfmt=".3g", missingval="-")


def assumptions() -> list[str]:
    """What the predictions rest on."""
    assumed, sheet = Assumed(), SHEETS["H200"]
    alone = ", ".join(f"{model.name} {1e3 * token_seconds(model, sheet, assumed):.1f} ms" for model in MODELS)
    return [
        f"predicted, not measured: {100 * assumed.arithmetic:.0f} % of the data sheet's arithmetic, "
        f"{100 * assumed.memory:.0f} % of its bandwidth, {assumed.together} conversations of {assumed.length:.0f} "
        "tokens on every copy; 30 % of bandwidth for exact posteriors",
        f"a conversation alone waits for each token: {alone}; steps of an epoch wait for each other",
    ]


def main() -> None:
    """Read the command line, measure, fit and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling", description=__doc__)
    parser.add_argument("--small", action="store_true", help="sizes for two or three minutes on one core")
    parser.add_argument("--clock", choices=CLOCKS, default="wall", help="processor: for one core that is not idle")
    parser.add_argument("--measured-only", action="store_true", help="without predictions for GPUs")
    asked = parser.parse_args()
    sizes, held = exact_grid(asked.small)
    seconds = np.array([exact_seconds_measured(size, CLOCKS[asked.clock]) for size in sizes])
    labels: list[list[Any]] = [[size.runs, size.hypotheses, size.plays] for size in sizes]
    at_exact, exact = fit_table(
        np.array([terms(size) for size in sizes]), seconds, held, labels, ["runs", "hypotheses", "plays"]
    )
    rows, spent, out = model_points(asked.small, CLOCKS[asked.clock])
    at_model, model = fit_table(rows, spent, out, rows[:, 1:].astype(int).tolist(), ["tokens read", "written"])
    lines = [
        at_exact,
        "c0 … c3: " + ", ".join(f"{value:.3g}" for value in exact) + " s",
        f"so {_MILLION.runs:,} runs × {_MILLION.hypotheses:,} hypotheses × {_MILLION.plays} plays take about "
        f"{terms(_MILLION) @ exact:,.0f} s on this machine",
        "",
        at_model,
        "seconds of a batch, of a token read, of a token written: " + ", ".join(f"{value:.3g}" for value in model),
        f"{asked.clock} clock; {jax.device_count()} device(s); {machine()}",
    ]
    if not asked.measured_only:
        lines += ["", predictions(), *assumptions()]
    sys.stdout.write("\n".join([*lines, ""]))


if __name__ == "__main__":
    main()
