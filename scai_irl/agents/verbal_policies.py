"""Verbal policies that the assistants of a condition follow for an epoch."""

from __future__ import annotations

from dataclasses import dataclass

from envs.policy import Policy


@dataclass(frozen=True)
class VerbalPolicies:
    """Policy of each assistant of each run of a condition.

    Attributes:
        texts: Verbal policies, [run][assistant]; None where the model gave no usable text.
        policies: Policies that the texts express; None where the agent chose a text and no policy.
        beliefs: Verbal belief of each run; None where the agent keeps none.
        by_rule: Whether the phrasebook writes and follows the texts, without a language model.
    """

    texts: list[list[str | None]]
    policies: list[list[Policy | None]]
    beliefs: list[str | None]
    by_rule: bool = False
