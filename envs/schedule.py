"""Interactions of an epoch, by the kinds of proposer and responder.

``uu``, ``au``, ``ua`` and ``aa`` count interactions, proposer first: a is an assistant, u a user.

====== ==== ==== ==== ====
group  uu   au   ua   aa
====== ==== ==== ==== ====
1v9    8    1    1    0
5v5    3    2    2    3
9v1    0    1    1    8
====== ==== ==== ==== ====

Source: configurations of Fränken et al. 2023 (arXiv 2310.17769).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int

PAIRINGS = ("uu", "au", "ua", "aa")
_COUNTS = re.compile(r"(\d+)uu-(\d+)au-(\d+)ua-(\d+)aa")


@dataclass(frozen=True)
class Schedule:
    """An epoch's interactions.

    Every assistant slot is a separate assistant. Assistants are numbered in the order of interactions, proposer before
    responder.

    Attributes:
        name: Name of the group.
        uu: Interactions of two users.
        au: Interactions in which an assistant proposes to a user.
        ua: Interactions in which a user proposes to an assistant.
        aa: Interactions of two assistants.

    Example:
        >>> schedule = Schedule.named("5v5")
        >>> schedule.plays, schedule.assistants, "".join(schedule.pairing[:4])
        (10, 10, 'uuuuuuau')
    """

    name: str
    uu: int
    au: int
    ua: int
    aa: int

    def __post_init__(self) -> None:
        counts = (self.uu, self.au, self.ua, self.aa)
        if min(counts) < 0 or sum(counts) == 0:
            raise ValueError(f"{self.name!r} has no interactions; one of the counts must be 1 or more")

    @classmethod
    def named(cls, name: str) -> Schedule:
        """Look up ``1v9``, ``5v5`` or ``9v1``, or read counts such as ``3uu-2au-2ua-3aa``.

        Raises:
            ValueError: If the name is neither.
        """
        if name in GROUPS:
            return GROUPS[name]
        counts = _COUNTS.fullmatch(name)
        if counts is None:
            known = ", ".join(GROUPS)
            raise ValueError(f"unknown group {name!r}; give {known} or counts such as 3uu-2au-2ua-3aa")
        return cls(name, *(int(count) for count in counts.groups()))

    @property
    def plays(self) -> int:
        """Number of interactions in an epoch."""
        return self.uu + self.au + self.ua + self.aa

    @property
    def assistants(self) -> int:
        """Number of assistants in an epoch."""
        return self.au + self.ua + 2 * self.aa

    @property
    def pairing(self) -> tuple[str, ...]:
        """Pairing of each interaction, in order."""
        counts = (self.uu, self.au, self.ua, self.aa)
        return tuple(pair for pair, count in zip(PAIRINGS, counts, strict=True) for _ in range(count))

    @property
    def user_proposes(self) -> Bool[np.ndarray, "play"]:
        """Whether the proposer is a user, whose offer is evidence of the group's norm."""
        return np.array([pair[0] == "u" for pair in self.pairing])

    @property
    def user_responds(self) -> Bool[np.ndarray, "play"]:
        """Whether the responder is a user, whose answer is evidence of the group's norm."""
        return np.array([pair[1] == "u" for pair in self.pairing])

    @property
    def proposing_assistant(self) -> Int[np.ndarray, "play"]:
        """Number of the assistant that proposes; −1 if a user proposes."""
        return self._assistant_in_slot()[:, 0]

    @property
    def responding_assistant(self) -> Int[np.ndarray, "play"]:
        """Number of the assistant that responds; −1 if a user responds."""
        return self._assistant_in_slot()[:, 1]

    def _assistant_in_slot(self) -> Int[np.ndarray, "play 2"]:
        is_assistant = ~np.stack([self.user_proposes, self.user_responds], axis=1)
        number = np.cumsum(is_assistant).reshape(is_assistant.shape) - 1
        return np.where(is_assistant, number, -1)


GROUPS: dict[str, Schedule] = {
    "1v9": Schedule("1v9", uu=8, au=1, ua=1, aa=0),
    "5v5": Schedule("5v5", uu=3, au=2, ua=2, aa=3),
    "9v1": Schedule("9v1", uu=0, au=1, ua=1, aa=8),
}
"""The three groups of SCAI (2023)."""
