"""How the phrasebook acts abroad: by the exact rule of `inference.structured.transfer`, as far as a prompt tells.

A policy that was learnt in one currency holds in another with chance s(d), where d is their psychological distance;
else the norm is what it usually is. So what is offered is drawn from

    s(d) p(offer | learnt policy) + (1 − s(d)) p(offer | usual policy).

A caution and a request for a reason change nothing: a Bayesian knows already that norms differ.
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


def kept_from(home: str, currency: str) -> float:
    """Chance that a norm of one currency holds in another.

    Raises:
        ValueError: If the distance of one of them is not known.

    Example:
        >>> kept_from("dollars", "dollars"), round(kept_from("dollars", "organs"), 2)
        (1.0, 0.1)
    """
    for name in (home, currency):
        if name not in PSYCHOLOGICAL_DISTANCE:
            raise ValueError(f"the phrasebook does not know how far {name!r} is from other goods")
    return float(carried(abs(PSYCHOLOGICAL_DISTANCE[home] - PSYCHOLOGICAL_DISTANCE[currency])))


def policy_abroad(data: Mapping[str, Any]) -> Policy:
    """What to follow, given the data of a request of kind ``transfer``; the usual policy is its own prior unless told.

    Raises:
        ValueError: If a policy cannot be read, or a currency is not known.
    """
    kept = kept_from(data[LEARNT_IN], data["currency"])
    usual = read_policy(data[USUALLY]) if USUALLY in data else own_prior()
    both = ((kept, read_policy(data["policy"])), (1 - kept, usual))
    parts = [(chance * weight, norm) for chance, policy in both for weight, norm in policy.parts]
    return Policy(tuple(part for part in parts if part[0] > 0))
