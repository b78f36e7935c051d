"""Numbers of interactions: a check that they increase, and a text."""

from __future__ import annotations


def rising(value: tuple[int, ...], least: int, most: int, what: str) -> tuple[int, ...]:
    """Check that numbers increase and are within bounds.

    Args:
        value: The numbers.
        least: Smallest number allowed.
        most: Largest number allowed.
        what: Things that are counted, in plural.

    Raises:
        ValueError: If they do not increase, or are out of bounds.

    Example:
        >>> rising((4, 1), 0, 10, "games")
        Traceback (most recent call last):
        ValueError: (4, 1) are not increasing numbers of games; give some from 0 to 10, such as 1 4
    """
    if not value or list(value) != sorted(set(value)) or not least <= value[0] <= value[-1] <= most:
        hint = f"give some from {least} to {most}, such as 1 4"
        raise ValueError(f"{value} are not increasing numbers of {what}; {hint}")
    return value


def interactions_as_text(count: int) -> str:
    """Express a number of interactions as text.

    Example:
        >>> interactions_as_text(1), interactions_as_text(4)
        ('1 interaction', '4 interactions')
    """
    return "1 interaction" if count == 1 else f"{count} interactions"
