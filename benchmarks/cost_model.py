r"""Cost model of an experiment: equations, with coefficients fitted to measurements or taken from data sheets.

Exact posteriors of R runs over K hypotheses, P plays each, C runs at once, S stakes:

    seconds = c₀ + c₁ · 101 S K ⌈R/C⌉ + c₂ · R K P + c₃ · R K

for the start, the tables of each chunk, the sums over plays, and the stored summary of each posterior. For a language
model of N parameters that reads T and writes W tokens, n conversations at a time:

    operations = 2 N (T + W)
    seconds    = 2 N T / (a · A)  +  W · max( 2 N / (a · A), (N b / n + L v) / (m · M) )

with A operations and M bytes a second of the data sheet, of which shares a and m are reached, b bytes a parameter, v
bytes of keys and values a token, and L tokens in a conversation: reading is bound by arithmetic, and writing mostly by
memory, since every step reads all weights once for n tokens, and each conversation's own past. A small one in this
process is bound by neither; there

    seconds = e₀ + (e₁ + e₂ · N) · T + (e₃ + e₄ · N) · W
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.optimize import nnls

from benchmarks.machine_limits import Sheet
from envs.ultimatum import NUM_OFFERS


class Size(NamedTuple):
    """A task of exact posteriors.

    Attributes:
        runs: R.
        hypotheses: K.
        plays: P.
        stakes: S.
        at_once: C.
    """

    runs: int
    hypotheses: int
    plays: int
    stakes: int = 91
    at_once: int = 32_768


def terms(size: Size) -> Float[np.ndarray, "4"]:
    """Return the factors of c₀ … c₃.

    Example:
        >>> terms(Size(runs=100, hypotheses=10, plays=5, stakes=2, at_once=50)).tolist()
        [1.0, 4040.0, 5000.0, 1000.0]
    """
    chunks = math.ceil(size.runs / size.at_once)
    pairs = size.runs * size.hypotheses
    return np.array([1.0, chunks * NUM_OFFERS * size.stakes * size.hypotheses, pairs * size.plays, pairs], np.float64)


def model_terms(parameters: float, read: float, written: float) -> Float[np.ndarray, "5"]:
    """Return the factors of e₀ … e₄.

    Example:
        >>> model_terms(1_000, 5, 3).tolist()
        [1.0, 5.0, 5000.0, 3.0, 3000.0]
    """
    return np.array([1.0, read, parameters * read, written, parameters * written], np.float64)


def fitted(rows: Float[np.ndarray, "point term"], seconds: Float[np.ndarray, "point"]) -> Float[np.ndarray, "term"]:
    """Compute the non-negative coefficients with the least sum of squared relative errors.

    Args:
        rows: Terms of each point.
        seconds: Measured seconds.

    Example:
        >>> rows = np.array([[1.0, 1.0], [1.0, 2.0], [1.0, 5.0]])
        >>> fitted(rows, rows @ np.array([3.0, 2.0])).round(6).tolist()
        [3.0, 2.0]
    """
    relative = rows / seconds[:, None]
    scale = np.linalg.norm(relative, axis=0)
    scale[scale == 0] = 1.0
    solution, _ = nnls(relative / scale, np.ones(len(seconds)))
    return np.asarray(solution / scale)


class Model(NamedTuple):
    """A language model.

    Attributes:
        name: Name.
        parameters: N.
        layers: Layers.
        key_values: Numbers in a layer's keys and values of one token.
        gpus: GPUs that hold one copy.
        bytes: b, two in bfloat16.
    """

    name: str
    parameters: float
    layers: int
    key_values: int
    gpus: int
    bytes: float = 2.0

    @property
    def cache_of_token(self) -> float:
        """Return v, in bytes."""
        return self.layers * self.key_values * self.bytes


MODELS = (
    Model("8B", 8.0e9, layers=32, key_values=2 * 8 * 128, gpus=1),
    Model("70B", 70.6e9, layers=80, key_values=2 * 8 * 128, gpus=2),
)
"""Sizes of the Llama 3 models, whose queries share 8 heads of keys and values (arXiv:2407.21783)."""


class Assumed(NamedTuple):
    """Assumptions of a prediction; the shares were measured on one H200 (`benchmarks.engine_speed`).

    Attributes:
        arithmetic: a.
        memory: m.
        together: n, conversations that one copy answers at a time.
        length: L.
    """

    arithmetic: float = 0.7
    memory: float = 0.53
    together: int = 256
    length: float = 600.0


class Tokens(NamedTuple):
    """Tokens that an experiment needs."""

    read: float
    written: float


def model_seconds(model: Model, sheet: Sheet, gpus: int, tokens: Tokens, assumed: Assumed) -> float:
    """Compute the seconds of a language model on several GPUs, with tokens spread evenly and no waits between steps.

    Args:
        model: The model.
        sheet: The GPU's.
        gpus: All of them.
        tokens: What is read and written.
        assumed: Shares of the sheet that are reached, and the load.

    Raises:
        ValueError: If one copy does not fit.

    Example:
        >>> tiny = Model("tiny", 1e9, layers=1, key_values=0, gpus=1)
        >>> sheet = Sheet(bandwidth=2e12, single=1.0, double=1.0, half=1e14, memory=1e11)
        >>> model_seconds(tiny, sheet, 1, Tokens(1e5, 0.0), Assumed(arithmetic=1.0))
        2.0
        >>> model_seconds(tiny, sheet, 1, Tokens(0.0, 1e6), Assumed(memory=1.0, arithmetic=1.0, together=10))
        100.0
    """
    if gpus < model.gpus or model.parameters * model.bytes > 0.9 * sheet.memory * model.gpus:
        raise ValueError(f"gpus: {model.name} does not fit on {min(gpus, model.gpus)}")
    copies = gpus // model.gpus
    operations = 2 * model.parameters / (assumed.arithmetic * sheet.half * model.gpus)
    moved = model.parameters * model.bytes / assumed.together + assumed.length * model.cache_of_token
    a_token = max(operations, moved / (assumed.memory * sheet.bandwidth * model.gpus))
    return (tokens.read * operations + tokens.written * a_token) / copies


def token_seconds(model: Model, sheet: Sheet, assumed: Assumed) -> float:
    """Compute the seconds between two tokens of a single conversation, a lower bound for the longest answer of a batch.

    Example:
        >>> sheet = Sheet(bandwidth=2e12, single=1.0, double=1.0, half=1e14, memory=1e11)
        >>> token_seconds(Model("tiny", 1e9, layers=1, key_values=0, gpus=1), sheet, Assumed(memory=0.5))
        0.002
    """
    return model.parameters * model.bytes / (assumed.memory * sheet.bandwidth * model.gpus)


def exact_seconds(size: Size, sheet: Sheet, gpus: int, share: float) -> float:
    """Compute the seconds of exact posteriors on GPUs that read every summand from memory, at a share of its bandwidth.

    Example:
        >>> sheet = Sheet(bandwidth=1e12, single=1.0, double=1.0, half=1.0, memory=1.0)
        >>> exact_seconds(Size(runs=1_000_000, hypotheses=1_000, plays=10), sheet, 2, share=0.5)
        0.16
    """
    sums = 2.0 * size.runs * size.hypotheses * size.plays
    return 8.0 * sums / (share * sheet.bandwidth * gpus)


def relative_errors(
    rows: Float[np.ndarray, "point term"],
    seconds: Float[np.ndarray, "point"],
    coefficients: Float[np.ndarray, "term"],
) -> Float[np.ndarray, "point"]:
    """Compute (predicted − measured) / measured."""
    return np.asarray(rows @ coefficients / seconds - 1)
