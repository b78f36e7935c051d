"""Where the tokens of a label begin: after what the conversation with it has in common with the one without."""

from __future__ import annotations

from collections.abc import Sequence


def shared_start(first: Sequence[int], second: Sequence[int]) -> int:
    """Length of the part with which both begin.

    Example:
        >>> shared_start([1, 2, 3], [1, 2, 4, 5])
        2
    """
    pairs = zip(first, second, strict=False)
    return next((place for place, (a, b) in enumerate(pairs) if a != b), min(len(first), len(second)))
