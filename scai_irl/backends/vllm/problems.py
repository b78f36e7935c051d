"""What went wrong when a server was asked: whether it is gone or slow, and how that is told."""

from __future__ import annotations

import openai


def is_lost(problem: BaseException) -> bool:
    """Return whether the server is gone, and not slow."""
    return isinstance(problem, openai.APIConnectionError) and not _too_slow(problem)


def kind(problem: BaseException) -> str:
    """Name the kind of a problem, for a count of them.

    Example:
        >>> kind(ValueError("half a reply"))
        'reply that cannot be read'
    """
    if isinstance(problem, openai.APIConnectionError):
        return "too slow" if _too_slow(problem) else "connection lost"
    if isinstance(problem, openai.APIStatusError):
        return f"status {problem.status_code}"
    return "reply that cannot be read"


def said(problem: BaseException | None) -> str:
    """What was said of a problem, in a line, with the cause where the client does not tell it."""
    cause = problem.__cause__ if isinstance(problem, openai.APIConnectionError) else None
    return " ".join(str(cause or problem).split())[:200]


def _too_slow(problem: BaseException | None) -> bool:
    """Return whether time ran out; the first cause decides, since openai also calls a lost connection a timeout."""
    while problem is not None and not isinstance(problem, TimeoutError):
        problem = problem.__cause__
    return problem is not None
