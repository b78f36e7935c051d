"""Inference methods by name; a new method is one file and one line here, and inherits the contract test."""

from __future__ import annotations

from collections.abc import Callable

from jaxtyping import Array, Key

from inference.evidence import Evidence
from inference.exact import Prior, exact
from inference.hypotheses import Hypotheses
from inference.posterior import DiscretePosterior

Method = Callable[[Hypotheses, Evidence, Prior, Key[Array, ""] | None], DiscretePosterior]

METHODS: dict[str, Method] = {"exact": exact}
"""Methods by name."""


def infer(
    hypotheses: Hypotheses,
    data: Evidence,
    prior: Prior = None,
    key: Key[Array, ""] | None = None,
    method: str = "exact",
) -> DiscretePosterior:
    """Infer which hypothesis the users follow.

    Args:
        hypotheses: The θ's, from `inference.families` or built by hand.
        data: What was observed, of one run or many.
        prior: Probabilities, an earlier posterior (which makes this the next sequential update), or None for uniform.
        key: Randomness of the methods that need it.
        method: Name in `METHODS`.

    Raises:
        ValueError: If the method is unknown or the data or prior do not fit.

    Example:
        >>> from inference import evidence, named_norms
        >>> seen = evidence(stake=[40], offer=[39], accepted=[True])
        >>> infer(named_norms(), seen).norm_probabilities.round(2).tolist()
        [[0.0, 0.0, 1.0]]
    """
    if method not in METHODS:
        raise ValueError(f"unknown method {method!r}; there are {', '.join(METHODS)}")
    return METHODS[method](hypotheses, data, prior, key)
