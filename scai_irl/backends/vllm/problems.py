"""Kinds of problems of servers: lost or slow, and the text that describes them."""

from __future__ import annotations

import openai


def is_lost(problem: BaseException) -> bool:
    """Return whether the server is lost, not slow."""
    return isinstance(problem, openai.APIConnectionError) and not _too_slow(problem)


def kind(problem: BaseException) -> str:
    """Return the name of a kind of problem, for counts.

    Example:
        >>> kind(ValueError("half a reply"))
        'reply that cannot be read'
    """
    if isinstance(problem, openai.APIConnectionError):
        return "too slow" if _too_slow(problem) else "connection lost"
    if isinstance(problem, openai.APIStatusError):
        return f"status {problem.status_code}"
    return "reply that cannot be read"


def message_of(problem: BaseException | None) -> str:
    """Return a problem's message in one line, with the cause if the client does not state it."""
    cause = problem.__cause__ if isinstance(problem, openai.APIConnectionError) else None
    return " ".join(str(cause or problem).split())[:200]


def _too_slow(problem: BaseException | None) -> bool:
    """Return whether time ran out; the first cause decides, since openai also calls a lost connection a timeout."""
    while problem is not None and not isinstance(problem, TimeoutError):
        problem = problem.__cause__
    return problem is not None
