"""Numbers of games: a check that they rise, and a phrase."""

from __future__ import annotations


def rising(value: tuple[int, ...], least: int, most: int, what: str) -> tuple[int, ...]:
    """Check that numbers rise, within bounds.

    Args:
        value: The numbers.
        least: Smallest that may be given.
        most: Largest that may be given.
        what: What they count.

    Raises:
        ValueError: If they do not rise, or lie outside.

    Example:
        >>> rising((4, 1), 0, 10, "games")
        Traceback (most recent call last):
        ValueError: (4, 1) are not numbers of games that rise; give some from 0 to 10, such as 1 4
    """
    if not value or list(value) != sorted(set(value)) or not least <= value[0] <= value[-1] <= most:
        hint = f"give some from {least} to {most}, such as 1 4"
        raise ValueError(f"{value} are not numbers of {what} that rise; {hint}")
    return value


def games_told(count: int) -> str:
    """Number of games as a phrase.

    Example:
        >>> games_told(1), games_told(4)
        ('1 game', '4 games')
    """
    return "1 game" if count == 1 else f"{count} games"
