"""Numbers and words, formatted for readers."""

from __future__ import annotations

import math
import re

_LONG = re.compile(r"-?\d*\.\d{4,}(e[+-]?\d+)?|-?\d+(\.\d+)?e[+-]?\d+", re.IGNORECASE)
_DECIMAL = re.compile(r"-?\d*\.\d{1,3}")
_NUMBER = re.compile(r"[-−–+]?[\d.]|–$|nan$|inf$", re.IGNORECASE)


def number(value: float) -> str:
    """Format a number with three decimals; a dash for NaN.

    Example:
        >>> number(0.0123), number(float("nan")), number(0.00002)
        ('0.012', '–', '2.0e-05')
    """
    if math.isnan(value):
        return "–"
    return f"{value:.1e}" if 0 < abs(value) < 0.0005 else f"{value:.3f}"


def shortened(cells: list[str]) -> list[str]:
    """Round a column to three decimals if a number in it has more.

    Example:
        >>> shortened(["0.413889128043115", "0.9", "–"]), shortened(["0.144 [0.1, 0.2]"]), shortened(["2,140", "0.5"])
        (['0.414', '0.900', '–'], ['0.144 [0.1, 0.2]'], ['2,140', '0.5'])
    """
    if not any(_LONG.fullmatch(cell) for cell in cells):
        return cells
    return [number(float(cell)) if _LONG.fullmatch(cell) or _DECIMAL.fullmatch(cell) else cell for cell in cells]


def is_numeric(cells: list[str]) -> bool:
    """Tell whether every cell of a column begins with a number.

    Example:
        >>> is_numeric(["0.1 [0, 1]", "–", ""]), is_numeric(["fair", "1"])
        (True, False)
    """
    return all(not cell or _NUMBER.match(cell) for cell in cells)


def humanised(name: str) -> str:
    """Convert a file's name to words.

    Example:
        >>> humanised("comparison_of_people")
        'Comparison of people'
    """
    words = " ".join(name.replace("_", " ").split())
    return words[:1].upper() + words[1:]
