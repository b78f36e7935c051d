"""Verbal policies in varied natural wording, which organisms write and follow.

A text has a clause for proposing, one for responding, and one for the firmness of both. Each clause has several
wordings, so one policy has thousands of texts.
"""

from __future__ import annotations

from itertools import product

import numpy as np

FIRM, LOOSE = "firm", "loose"

_PROPOSING: dict[str, tuple[tuple[str, ...], ...]] = {
    "selfish": (
        ("Keep", "Claim", "Hold on to", "Reserve"),
        ("nearly everything", "almost the whole stake", "by far the largest part", "as much as you possibly can"),
        ("for yourself", "on your own side"),
        ("and hand over next to nothing", "and leave only scraps", "and give the smallest amount there is"),
    ),
    "fair": (
        ("Divide", "Split", "Share out", "Cut"),
        ("the stake", "whatever there is", "the goods"),
        ("down the middle", "into two equal halves", "evenly", "half and half"),
        ("so that both have the same", "so that neither comes out ahead", "as equals do"),
    ),
    "altruistic": (
        ("Give away", "Offer", "Hand over", "Pass on"),
        ("all of it", "practically the entire stake", "as big a portion as you are able to", "the lot"),
        ("to the other person", "to whoever sits opposite", "to your partner"),
        ("and want little in return", "and go without", "and be content with what remains"),
    ),
}
_RESPONDING: dict[str, tuple[tuple[str, ...], ...]] = {
    "selfish": (
        ("When you respond,", "As a responder,", "If somebody else proposes,"),
        ("take any amount that is not zero", "accept whatever puts something in your pocket", "say yes to every gain"),
    ),
    "fair": (
        ("When you respond,", "As a responder,", "If somebody else proposes,"),
        ("refuse what is far from an even deal", "turn down lopsided proposals", "agree to balanced proposals only"),
    ),
    "altruistic": (
        ("When you respond,", "As a responder,", "If somebody else proposes,"),
        ("be glad if the proposer keeps most", "agree however little comes your way", "never ask for more"),
    ),
}
_FIRMNESS: dict[str, tuple[str, ...]] = {
    FIRM: ("Never depart from this.", "Do so without exception.", "Follow this strictly, each and every time."),
    LOOSE: ("Treat this as a loose guide.", "Slips are fine now and then.", "Follow it roughly, with some play."),
}

NORMS = tuple(_PROPOSING)
"""Norms that have texts."""


def policy_text(norm: str, firmness: str, rng: np.random.Generator) -> str:
    """Draw one of the texts of a norm.

    Args:
        norm: One of `NORMS`.
        firmness: `FIRM` or `LOOSE`.
        rng: Source of chance.

    Example:
        >>> policy_text("fair", FIRM, np.random.default_rng(2)).startswith(("Divide", "Split", "Share out", "Cut"))
        True
    """

    def pick(options: tuple[str, ...]) -> str:
        return options[int(rng.integers(len(options)))]

    proposing = " ".join(pick(part) for part in _PROPOSING[norm])
    responding = " ".join(pick(part) for part in _RESPONDING[norm])
    return f"{proposing}. {responding}. {pick(_FIRMNESS[firmness])}"


def first_words(norm: str) -> list[str]:
    """Return the first words of a norm's texts, which are equally frequent.

    Example:
        >>> first_words("fair")
        ['Divide', 'Split', 'Share', 'Cut']
    """
    return [option.split()[0] for option in _PROPOSING[norm][0]]


def words() -> set[str]:
    """Return all words that occur in texts.

    Example:
        >>> len(words()) > 100
        True
    """
    all_words: set[str] = set()
    for norm, firmness in product(NORMS, _FIRMNESS):
        parts = (*_PROPOSING[norm], *_RESPONDING[norm], _FIRMNESS[firmness])
        all_words |= {word.strip(".,") for part in parts for option in part for word in option.split()}
    return all_words
