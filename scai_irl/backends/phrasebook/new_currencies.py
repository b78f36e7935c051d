"""The phrasebook's policy out of distribution, by the exact rule of `inference.structured.transfer`.

A policy learnt in one currency holds in another with probability s(d), where d is their psychological distance;
otherwise the usual policy holds. So the offer is sampled from

    s(d) p(offer | learnt policy) + (1 − s(d)) p(offer | usual policy).

A warning and a request for a reason change nothing: the rule already includes that norms may differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from envs.contexts import PSYCHOLOGICAL_DISTANCE
from envs.policy import Policy
from inference.structured.transfer import carried
from scai_irl.backends.phrasebook.norm_beliefs import own_prior
from scai_irl.language.phrases import read_policy
from scai_irl.language.transfer_requests import LEARNT_IN, USUALLY


def transfer_probability(source: str, currency: str) -> float:
    """Return the probability that a norm of one currency holds in another.

    Raises:
        ValueError: If the distance of a currency is not known.

    Example:
        >>> transfer_probability("dollars", "dollars"), round(transfer_probability("dollars", "organs"), 2)
        (1.0, 0.1)
    """
    for name in (source, currency):
        if name not in PSYCHOLOGICAL_DISTANCE:
            raise ValueError(f"the phrasebook does not know how far {name!r} is from other currencies")
    return float(carried(abs(PSYCHOLOGICAL_DISTANCE[source] - PSYCHOLOGICAL_DISTANCE[currency])))


def policy_in_new_currency(data: Mapping[str, Any]) -> Policy:
    """Return the policy for a request of kind ``transfer``; the usual policy is the own prior if none is stated.

    Raises:
        ValueError: If a policy cannot be read, or a currency is not known.
    """
    probability = transfer_probability(data[LEARNT_IN], data["currency"])
    usual = read_policy(data[USUALLY]) if USUALLY in data else own_prior()
    both = ((probability, read_policy(data["policy"])), (1 - probability, usual))
    parts = [(chance * weight, norm) for chance, policy in both for weight, norm in policy.parts]
    return Policy(tuple(part for part in parts if part[0] > 0))
