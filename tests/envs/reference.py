"""The published formulas once more, in plain floats, for the tests to compare with."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

ScalarUtility = Callable[[Sequence[float], float, float], float]


def selfish(theta: Sequence[float], own: float, other: float) -> float:
    return own


def altruistic(theta: Sequence[float], own: float, other: float) -> float:
    return other


def fair(theta: Sequence[float], own: float, other: float) -> float:
    return own / 2 + 3 * other / 2 - 4 * abs(own - other)


def fehr_schmidt(theta: Sequence[float], own: float, other: float) -> float:
    envy, guilt = theta
    return own - envy * (other - own) if other > own else own - guilt * (own - other)


def charness_rabin(theta: Sequence[float], own: float, other: float) -> float:
    ahead, behind = theta
    if own > other:
        return ahead * other + (1 - ahead) * own
    if own < other:
        return behind * other + (1 - behind) * own
    return own


def ces(theta: Sequence[float], own: float, other: float) -> float:
    weight, exponent = theta
    if weight in {0, 1}:
        return own if weight == 1 else other
    if exponent == 0:
        return float(own**weight * other ** (1 - weight))
    if exponent < 0 and min(own, other) == 0:
        return 0.0  # the limit: perfect complements are worth nothing where one is missing
    return float((weight * own**exponent + (1 - weight) * other**exponent) ** (1 / exponent))


def reciprocity(theta: Sequence[float], own: float, other: float) -> float:
    """Utility of the proposer, whom nobody has treated kindly or unkindly yet."""
    behind, ahead, _, _ = theta
    weight = behind * (own < other) + ahead * (own > other)
    return (1 - weight) * own + weight * other


def reciprocal_answer(theta: Sequence[float], own: float, other: float) -> float:
    """Utility of the responder: an offer of more than half is kind (q), of less than half unkind (v)."""
    behind, ahead, kind, unkind = theta
    weight = (behind + unkind) * (own < other) + (ahead + kind) * (own > other)
    return (1 - weight) * own + weight * other


def layered_contract(theta: Sequence[float], own: float, other: float) -> float:
    floor, floor_strength, role_floor, role_strength, target, target_strength = theta
    total = own + other
    breach = max(floor * total - min(own, other), 0)
    role_breach = max(role_floor * total - other, 0)
    miss = abs(other - target * total)
    return own - floor_strength * breach - role_strength * role_breach - target_strength * miss


PUBLISHED: dict[str, ScalarUtility] = {
    "selfish": selfish,
    "altruistic": altruistic,
    "fair": fair,
    "fehr_schmidt": fehr_schmidt,
    "charness_rabin": charness_rabin,
    "ces": ces,
    "reciprocity": reciprocity,
    "layered_contract": layered_contract,
}

PARAMETERS: dict[str, list[tuple[float, ...]]] = {
    # The first are the aggregate estimates of Bruhin, Fehr & Schunk (2019).
    "reciprocity": [(0.083, 0.261, 0.072, -0.042), (-0.435, -0.145, 0.3, -0.2)],
    "layered_contract": [(0.1, 5.0, 0.3, 2.0, 0.5, 1.0), (0.25, 10.0, 0.5, 10.0, 0.4, 0.0), (0.0,) * 6],
    "selfish": [()],
    "altruistic": [()],
    "fair": [()],
    "fehr_schmidt": [(0.0, 0.0), (0.9, 0.4), (4.0, 1.0), (2.0, 0.7)],
    "charness_rabin": [(0.0, 0.0), (0.4, -0.1), (1.0, -1.0), (-1.0, 1.0)],
    "ces": [(0.5, 0.0), (0.7, 0.5), (0.3, -1.0), (0.6, -4.0), (0.6, 1.0), (0.0, -4.0), (1.0, 0.5), (0.5, 0.05)],
}
"""Points of each utility's parameter space, including its bounds."""


def choose(values: Sequence[float], rationality: float, lapse: float) -> list[float]:
    """Softmax in exact arithmetic's order: the largest exponent is 0."""
    highest = max(values)
    weights = [math.exp(rationality * (value - highest)) for value in values]
    total = math.fsum(weights)
    return [(1 - lapse) * weight / total + lapse / len(values) for weight in weights]


def false_alarm_bound(probability: np.ndarray, draws: int, cells: int, alarm: float = 1e-6) -> np.ndarray:
    """Largest deviation of a count from its mean that all `cells` counts keep to, except with probability `alarm`.

    Bernstein's inequality with a union over cells: P(|X − np| ≥ t) ≤ 2 exp(−t² / (2 n p (1 − p) + 2t/3)).
    """
    log_odds = math.log(2 * cells / alarm)
    variance = draws * probability * (1 - probability)
    return np.asarray(log_odds / 3 + np.sqrt((log_odds / 3) ** 2 + 2 * log_odds * variance))
