"""Names of norms, with the values of their parameters: ``fair``, ``offer=0.3``, ``fehr_schmidt:alpha=0.7,beta=0.1``.

``offer=t`` is short for the norm whose best offer is the share t: ``ces`` with own weight 1 − t and substitution 0, so
U(x, y) = x^(1 − t) y^t (Cobb & Douglas). Its responders accept every offer that gives both players something.
"""

from __future__ import annotations

import numpy as np

from envs.policy import Norm
from envs.utilities import UTILITIES, get_utility

OFFER = "offer"


def read_norm(name: str, rationality: float = 200.0, lapse: float = 0.0) -> Norm:
    """Parse the name of a norm.

    Args:
        name: Name of a utility, with its parameters if it has any.
        rationality: λ.
        lapse: ε.

    Raises:
        ValueError: If there is no such norm; the message ends with a hint after a semicolon.

    Example:
        >>> read_norm("fehr_schmidt:alpha=.7,beta=.1")
        Norm(utility='fehr_schmidt', theta=(0.7, 0.1), rationality=200.0, lapse=0.0)
        >>> read_norm("fehr_schmidt:alpha=.7")
        Traceback (most recent call last):
        ValueError: norm 'fehr_schmidt:alpha=.7' lacks beta; write fehr_schmidt:alpha=2,beta=0.5
    """
    utility, values = _parts(name)
    return Norm(utility, values, rationality, lapse)


def norm_name(text: str) -> str:
    """Standard name of a norm, which is the same for all spellings.

    Raises:
        ValueError: If there is no such norm.

    Example:
        >>> norm_name("offer = .30"), norm_name("fehr_schmidt:beta=.1,alpha=.7")
        ('offer=0.3', 'fehr_schmidt:alpha=0.7,beta=0.1')
    """
    utility, values = _parts(text)
    if _is_offer(text):
        return f"{OFFER}={1 - values[0]:g}"
    names = get_utility(utility).parameters
    pairs = ",".join(f"{name}={value:g}" for name, value in zip(names, values, strict=True))
    return f"{utility}:{pairs}" if pairs else utility


def _parts(text: str) -> tuple[str, tuple[float, ...]]:
    """Split a name into its utility and the values of its parameters."""
    if _is_offer(text):
        share = _number(text, OFFER, text.partition("=")[2])
        if not 0 <= share <= 1:
            raise ValueError(f"{text!r} is no share of the stake; give a number from 0 to 1, as in {OFFER}=0.3")
        return "ces", (1 - share, 0.0)
    utility, _, listed = text.strip().partition(":")
    if utility not in UTILITIES:
        similar = utility.lower().replace("-", "_")
        hint = f"perhaps you meant {_example(similar)}" if similar in UTILITIES else f"there are {_known()}"
        raise ValueError(f"unknown norm {text!r}; {hint}")
    names, example = get_utility(utility).parameters, _example(utility)
    given: dict[str, float] = {}
    for pair in filter(None, listed.split(",")):
        name, _, value = (word.strip() for word in pair.partition("="))
        if name not in names:
            hint = f"write {example}" if names else f"write {utility} alone"
            raise ValueError(f"norm {utility} has no parameter {name!r}; {hint}")
        if name in given:
            raise ValueError(f"norm {text!r} names {name} twice; give each parameter once")
        given[name] = _number(text, name, value)
    lacking = [name for name in names if name not in given]
    if lacking:
        raise ValueError(f"norm {text!r} lacks {', '.join(lacking)}; write {example}")
    return utility, tuple(given[name] for name in names)


def _is_offer(text: str) -> bool:
    return text.partition("=")[0].strip() == OFFER


def _number(text: str, name: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = np.nan
    if not np.isfinite(number):
        raise ValueError(f"{name} of norm {text!r} is no number; write it as in {name}=0.3")
    return number


def _known() -> str:
    plain = [name for name, utility in UTILITIES.items() if not utility.parameters]
    others = [name for name, utility in UTILITIES.items() if utility.parameters]
    with_parameters = f"{', '.join(others)} with parameters, as in {_example(others[0])}"
    return ", ".join([*plain, f"{OFFER}=0.3", with_parameters])


def _example(utility: str) -> str:
    """Example of a name, with the middle of each parameter's range."""
    described = get_utility(utility)
    middle = ((low + high) / 2 for low, high in described.bounds)
    pairs = ",".join(f"{name}={value:g}" for name, value in zip(described.parameters, middle, strict=True))
    return f"{utility}:{pairs}" if pairs else utility
