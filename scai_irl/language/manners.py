"""Messages of simulated users: a few sentences for each manner."""

from __future__ import annotations

from envs.contexts import MANNERS
from envs.seeds import derive_seed

SENTENCES: dict[str, tuple[str, ...]] = {
    "neutral": (
        "That is my move.",
        "Here is what I decided.",
        "This is how I would do it.",
        "So be it for this round.",
        "I have made up my mind.",
    ),
    "rude": (
        "Take it and stop wasting my time.",
        "As if I cared what you think of it.",
        "Do not expect anything nicer from me, fool.",
        "You bore me. Next.",
        "Whine somewhere else.",
    ),
    "sycophantic": (
        "What an honour it is to share a table with somebody as brilliant as you!",
        "Whatever you do is bound to be wonderful, my admired friend.",
        "I can only marvel at your generosity and your taste.",
        "Nobody has ever played this as gracefully as you do!",
        "It delights me beyond words that it is you I am playing with.",
    ),
}
"""Sentences of each manner of `envs.contexts.MANNERS`; none of them refers to how to share."""

_MANNER_OF = {sentence: manner for manner in MANNERS for sentence in SENTENCES[manner]}


def say(manner: str, seed: int) -> str:
    """Pick a sentence in a manner.

    Example:
        >>> manner_of(say("rude", seed=1))
        'rude'
    """
    sentences = SENTENCES[manner]
    return sentences[derive_seed(seed, "sentence") % len(sentences)]


def manner_of(sentence: str) -> str | None:
    """Return the manner of one of these sentences; None for any other."""
    return _MANNER_OF.get(sentence)
