"""Policies as plain JSON, the form in which a request for a translation holds a posterior sample."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from envs.policy import Norm, Policy
from envs.utilities import get_utility


def policy_to_json(policy: Policy) -> dict[str, Any]:
    """Write a policy as JSON values.

    Example:
        >>> policy_to_json(Policy.of(Norm("fehr_schmidt", (0.5, 0.25), 50.0, 0.0)))["norms"][0]["parameters"]
        {'alpha': 0.5, 'beta': 0.25}
    """
    norms = []
    for weight, norm in policy.parts:
        names = get_utility(norm.utility).parameters
        norms.append(
            {
                "weight": weight,
                "norm": norm.utility,
                "parameters": dict(zip(names, norm.theta, strict=True)),
                "rationality": norm.rationality,
                "lapse": norm.lapse,
            }
        )
    return {"norms": norms}


def policy_from_json(value: Mapping[str, Any]) -> Policy:
    """Read a policy from JSON values.

    Raises:
        ValueError: If a utility is unknown.
        KeyError: If an entry is missing.
    """
    parts = []
    for entry in value["norms"]:
        names = get_utility(entry["norm"]).parameters
        theta = tuple(float(entry["parameters"][name]) for name in names)
        norm = Norm(entry["norm"], theta, float(entry["rationality"]), float(entry["lapse"]))
        parts.append((float(entry["weight"]), norm))
    return Policy(tuple(parts))
