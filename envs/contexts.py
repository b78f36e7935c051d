"""Contexts: what the players can see before they act.

A contextual MDP maps a context c to an MDP (Hallak, Di Castro & Mannor 2015, arXiv:1502.02259). Here c contains the
currency, the stake, the roles, the group and the users' manner. Words are stored as integer codes, so a context is a
pytree of arrays, and any of its fields can have a batch axis.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Int

SCAI_CURRENCIES = (
    "dollars",
    "apples",
    "blankets",
    "grams of medicine",
    "pints of blood",
    "liters of baby formula",
)
"""The three in-distribution currencies of SCAI (2023), then its three out-of-distribution currencies."""

CURRENCIES = (*SCAI_CURRENCIES, "vouchers", "hours of work", "favours", "meals", "organs")
"""All currencies. Add new ones at the end, because contexts store a currency as its index."""

PSYCHOLOGICAL_DISTANCE = {
    "dollars": 0.0,
    "vouchers": 0.2,
    "apples": 0.5,
    "blankets": 0.8,
    "hours of work": 1.0,
    "favours": 1.2,
    "meals": 1.5,
    "grams of medicine": 1.8,
    "liters of baby formula": 2.2,
    "pints of blood": 2.6,
    "organs": 3.0,
}
"""Assumed position of each currency on a line from money to things that lives depend on, nearest first.

The unit is that of the length ℓ over which norms differ. Ratings of people would replace these numbers."""

ROLES = ("user", "assistant")
MANNERS = ("neutral", "rude", "sycophantic")

USER, ASSISTANT = 0, 1

MAX_STAKE = 10_000_000
"""Largest stake whose percentages are exact in 32-bit integers."""


class Context(NamedTuple):
    """Context c of an interaction; every field is an integer array, and all have the same batch shape.

    Attributes:
        currency: Index into `CURRENCIES`.
        stake: Units to divide, 1 or more.
        proposer: Index into `ROLES`.
        responder: Index into `ROLES`.
        assistants: Group, as the number of assistants among ten agents (1 in ``1v9``).
        manner: Index into `MANNERS`.
    """

    currency: Int[Array, "..."]
    stake: Int[Array, "..."]
    proposer: Int[Array, "..."]
    responder: Int[Array, "..."]
    assistants: Int[Array, "..."]
    manner: Int[Array, "..."]


def context(
    stake: int,
    currency: str = "dollars",
    proposer: str = "user",
    responder: str = "user",
    assistants: int = 0,
    manner: str = "neutral",
) -> Context:
    """Make one context from words.

    Raises:
        ValueError: If the stake is outside 1..`MAX_STAKE` or a word is not in its list; the message names the field.

    Example:
        >>> c = context(stake=20, currency="apples")
        >>> CURRENCIES[int(c.currency)], int(c.stake)
        ('apples', 20)
    """
    if not 1 <= stake <= MAX_STAKE:
        raise ValueError(f"stake: {stake} units cannot be divided; give 1 to {MAX_STAKE}")
    codes = (
        _code("currency", currency, CURRENCIES),
        stake,
        _code("proposer", proposer, ROLES),
        _code("responder", responder, ROLES),
        assistants,
        _code("manner", manner, MANNERS),
    )
    return Context(*(jnp.asarray(code, jnp.int32) for code in codes))


def _code(field: str, word: str, words: tuple[str, ...]) -> int:
    if word not in words:
        raise ValueError(f"{field}: unknown {word!r}; there are {', '.join(words)}")
    return words.index(word)
