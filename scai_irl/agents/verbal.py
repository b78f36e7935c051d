"""What assistants follow for an epoch, however it came about."""

from __future__ import annotations

from dataclasses import dataclass

from envs.policy import Policy


@dataclass(frozen=True)
class VerbalPolicies:
    """What each assistant of each run of a condition follows.

    Attributes:
        texts: Verbal policies, [run][assistant]; None where no model gave one that could be read.
        policies: The policies that they are words for, where there are such.
        beliefs: Belief of each run, where it is kept in words.
        by_rule: Whether the words are the phrasebook's and followed by it, without any language model.
    """

    texts: list[list[str | None]]
    policies: list[list[Policy | None]]
    beliefs: list[str | None]
    by_rule: bool = False
