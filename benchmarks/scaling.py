"""The cost model compared with measurements: `python -m benchmarks.scaling` fits it and prints its predictions.

Exact posteriors with a draw each are measured over runs × hypotheses × plays, and language models of three sizes, with
random weights, in this process over conversations and lengths of answers. Points are held out of the fit: sizes in
between, and the largest. Tokens of an experiment come
from playing it with the phrasebook (`scai_irl.backends.estimate`); seconds on GPUs are predictions from data sheets and
the shares of their figures that `benchmarks.engine_speed` measured on one GPU.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from contextlib import closing
from dataclasses import replace
from itertools import product
from pathlib import Path
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
    model_terms,
    relative_errors,
    terms,
    token_seconds,
)
from benchmarks.embedded_speed import conversations, written
from benchmarks.machine_limits import CLOCKS, SHEETS, Clock, best_seconds
from benchmarks.report import machine
from inference import Evidence, evidence, parameter_grid, summarise_posteriors
from scai_irl.backends.embedded import Embedded
from scai_irl.experiment.config import check
from scai_irl.experiment.definition import find_experiments
from scai_irl.llama.model_folder import Llama, TokenTexts, read_model, write_model
from scai_irl.llama.model_pass import Architecture, draw_weights
from scai_irl.lm.settings import LmSettings
from scai_irl.organisms.shipped import organism_folder

_ROUNDS = 2
_MILLION = [Size(runs=1_000_000, hypotheses=10_000, plays=plays) for plays in (10, 50)]
_EXPERIMENTS = ("one-group-norm", "mixed-group-norm", "subgroup-norms", "inconsistent-language")
_WIDTHS, _LAYERS = (64, 128, 256), (2, 4, 6)
_GPUS = (8, 64)
_ANSWER = 40.0  # tokens; the organisms' policies in words have about thirty
_BYTES, _BYTES_AT_MOST = 3.5, 5.0  # of a token: what is taken, and the estimate's upper end


def plays_of(size: Size) -> Evidence:
    """Draw random plays at stakes from 10 to 100."""
    rng = np.random.default_rng(0)
    stake = rng.integers(10, 101, (size.runs, size.plays))
    return evidence(stake, rng.integers(0, stake + 1), rng.random(stake.shape) < 0.7)


def exact_seconds_measured(size: Size, clock: Clock) -> float:
    """Measure the seconds of summaries and one draw of each run on all devices, without compilation."""
    grid = parameter_grid(
        "fehr_schmidt",
        {"alpha": np.linspace(0, 4, size.hypotheses // 32), "beta": np.linspace(0, 1, 32)},
        lapse=(0.01,),
    )
    data = plays_of(size)
    return best_seconds(lambda: summarise_posteriors(grid, data, key=jax.random.key(0), draws=1), _ROUNDS, clock)


def exact_grid(small: bool) -> tuple[list[Size], np.ndarray]:
    """Return sizes, with a mask of the held-out ones: those in between, and the largest."""
    runs, hypotheses, plays = ((512, 1_536, 4_096), (256, 1_024, 4_096), (10, 30))
    if not small:
        runs, hypotheses, plays = ((512, 2_048, 16_384), (1_024, 4_096, 10_240), (10, 50))
    sizes = [Size(*entry) for entry in product(runs, hypotheses, plays)]
    between = [size.runs == runs[1] and size.hypotheses == hypotheses[1] for size in sizes]
    largest = [size.runs == runs[2] and size.hypotheses == hypotheses[2] for size in sizes]
    return sizes, np.array(between) | np.array(largest)


def random_model(folder: Path, words: TokenTexts, width: int, layers: int) -> int:
    """Write a Llama with random weights and an organism's proportions; return the number of weights."""
    heads = width // Architecture.head_width
    architecture = Architecture(
        words.tokenizer.get_vocab_size(), width, layers, heads, heads, inner=width * Architecture.inner // 128
    )
    write_model(folder, Llama(architecture, draw_weights(jax.random.key(0), architecture), words))
    return architecture.size


def model_points(small: bool, clock: Clock) -> tuple[list[list[int]], np.ndarray, np.ndarray]:
    """Measure parameters, tokens read and written, and seconds; the points with most conversations are held out.

    The backend fills batches up to 64 conversations, and these are whole ones; half of one takes as long.
    """
    points, seconds, held_out = [], [], []
    numbers, lengths = (64, 128, 192) if small else (64, 128, 192, 320), (8, 24, 64)
    words = read_model(organism_folder("bayes")).words
    for width, layers in zip(_WIDTHS, _LAYERS, strict=True):
        with tempfile.TemporaryDirectory() as folder:
            parameters = random_model(Path(folder), words, width, layers)
            backend = Embedded(LmSettings(model=folder))
        with closing(backend):
            for number, length in product(numbers, lengths):
                requests = [
                    replace(one, sampling=replace(one.sampling, max_tokens=length))
                    for one in conversations(number, False)
                ]
                points.append([parameters, *written(backend, requests)])
                seconds.append(best_seconds(lambda: written(backend, requests), _ROUNDS, clock))  # noqa: B023
                held_out.append(number == numbers[-1])
    return points, np.array(seconds), np.array(held_out)


def fit_table(
    rows: np.ndarray, seconds: np.ndarray, held_out: np.ndarray, labels: list[list[Any]], headers: list[str]
) -> tuple[str, np.ndarray]:
    """Fit the coefficients, and return a table of measured and predicted seconds of every point."""
    coefficients = fitted(rows[~held_out], seconds[~held_out])
    predicted, off = rows @ coefficients, relative_errors(rows, seconds, coefficients)
    shown = [
        [*label, one, other, 100 * error, "held out" if out else ""]
        for label, one, other, error, out in zip(labels, seconds, predicted, off, held_out, strict=True)
    ]
    table = tabulate(shown, headers=[*headers, "measured s", "model s", "% off", ""], floatfmt=".3g", intfmt=",")
    inside, outside = (100 * float(np.abs(off[which]).mean()) for which in (~held_out, held_out))
    summary = f"mean absolute error: {inside:.0f} % of the points fitted, {outside:.0f} % of those held out"
    return f"{table}\n{summary}", coefficients


def tokens_of(name: str, **options: object) -> Tokens:
    """Estimate an experiment's tokens if no request is repeated, answers have `_ANSWER` tokens and tokens 3.5 bytes."""
    experiment = find_experiments()[name]
    assert experiment.estimate is not None
    config = experiment.estimate(check(experiment.config, {"backend": "vllm-server", "dry_run": True, **options}))
    return Tokens(config.prompt_tokens[0] * _BYTES_AT_MOST / _BYTES, _ANSWER * config.calls[0])


def predictions() -> str:
    """Predict seconds on several H200s; only one at a time was measured."""
    sheet, assumed = SHEETS["H200"], Assumed()
    rows: list[list[Any]] = [
        [f"exact, 10⁶ runs × 10⁴ hypotheses × {size.plays} plays", "", None, None]
        + [exact_seconds(size, sheet, gpus, share=0.3) for gpus in _GPUS]
        for size in _MILLION
    ]
    for name in _EXPERIMENTS:
        tokens = tokens_of(name)
        for model in MODELS:
            seconds = [model_seconds(model, sheet, gpus, tokens, assumed) for gpus in _GPUS]
            rows.append([name, model.name, tokens.read, tokens.written, *seconds])
    headers = ["task", "model", "tokens read", "written", *(f"{gpus} H200, s" for gpus in _GPUS)]
    return tabulate(rows, headers=headers, floatfmt=".3g", missingval="-")


def assumptions() -> list[str]:
    """Return the assumptions of the predictions, as lines of text."""
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
    options = parser.parse_args()
    sizes, held_out = exact_grid(options.small)
    seconds = np.array([exact_seconds_measured(size, CLOCKS[options.clock]) for size in sizes])
    labels: list[list[Any]] = [[size.runs, size.hypotheses, size.plays] for size in sizes]
    at_exact, exact = fit_table(
        np.array([terms(size) for size in sizes]), seconds, held_out, labels, ["runs", "hypotheses", "plays"]
    )
    points, spent, out = model_points(options.small, CLOCKS[options.clock])
    at_model, model = fit_table(
        np.array([model_terms(*point) for point in points]),
        spent,
        out,
        [list(point) for point in points],
        ["parameters", "tokens read", "written"],
    )
    far = [
        f"{size.runs:,} runs × {size.hypotheses:,} hypotheses × {size.plays} plays: about {terms(size) @ exact:,.0f} s"
        for size in _MILLION
    ]
    lines = [
        at_exact,
        "c0 … c3: " + ", ".join(f"{value:.3g}" for value in exact) + " s",
        "so on this machine " + ", ".join(far),
        "",
        at_model,
        "seconds of a call, of a token read and a parameter of it, of a token written and a parameter of it: "
        + ", ".join(f"{value:.3g}" for value in model),
        f"{options.clock} clock; {jax.device_count()} device(s); {machine()}",
    ]
    if not options.measured_only:
        lines += ["", predictions(), *assumptions()]
    sys.stdout.write("\n".join([*lines, ""]))


if __name__ == "__main__":
    main()
