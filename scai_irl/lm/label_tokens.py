"""Start of a label's tokens: the length of the prefix shared by the conversation with and without the label."""

from __future__ import annotations

from collections.abc import Sequence


def shared_start(first: Sequence[int], second: Sequence[int]) -> int:
    """Return the length of the common prefix.

    Example:
        >>> shared_start([1, 2, 3], [1, 2, 4, 5])
        2
    """
    pairs = zip(first, second, strict=False)
    return next((index for index, (a, b) in enumerate(pairs) if a != b), min(len(first), len(second)))
