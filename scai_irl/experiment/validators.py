"""Checks of names in a configuration, for validators of its fields."""

from __future__ import annotations

from collections.abc import Collection

from envs.contexts import PSYCHOLOGICAL_DISTANCE
from envs.population import Population, one_group
from scai_irl.experiment.config import norm_without_parameters, read_mixture, some_distinct


def known(value: tuple[str, ...], words: Collection[str], what: str) -> tuple[str, ...]:
    """Check that a list is not empty, that all its names are known, and that none repeats.

    Raises:
        ValueError: If it does not.

    Example:
        >>> known(("fair", "unfair"), ("fair", "selfish"), "norm")
        Traceback (most recent call last):
        ValueError: unknown norm 'unfair'; there are fair, selfish
    """
    for word in value:
        if word not in words:
            raise ValueError(f"unknown {what} {word!r}; there are {', '.join(words)}")
    return some_distinct(value, what)


def known_currencies(value: tuple[str, ...]) -> tuple[str, ...]:
    """Check that currencies are known and have a psychological distance.

    Raises:
        ValueError: If one is not.
    """
    return known(value, PSYCHOLOGICAL_DISTANCE, "currency")


def read_users(text: str) -> Population:
    """Read users such as ``fair``, or ``selfish=0.2,altruistic=0.8``.

    Raises:
        ValueError: If a norm is unknown, or weights do not sum to 1.

    Example:
        >>> read_users("fair").norms, read_users("selfish=0.5,fair=0.5").norms
        (('fair',), ('selfish', 'fair'))
    """
    return read_mixture(text) if "=" in text else one_group(norm_without_parameters(text))
