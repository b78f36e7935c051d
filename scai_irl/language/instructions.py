"""Instructions to language models: plain files, each kind in several wordings, so that wording can be a factor.

The files are ``prompts/KIND/NUMBER.txt``. Every wording of a kind asks for the same in the same form.
"""

from __future__ import annotations

import functools
import hashlib
from importlib.resources import files
from typing import Literal, get_args

Kind = Literal[
    "translate",
    "learn",
    "believe",
    "draw",
    "offer",
    "answer",
    "user-offer",
    "user-answer",
    "state",
    "choose",
    "transfer",
    "exploit",
    "strict-answer",
]
"""What a model may be asked: to put a policy into words; to learn one from games; to keep a belief in words and draw a
policy from it; to act on a policy, as an assistant or as a user; to state a belief over labels, and to choose one; to
act in a currency other than the one in which a policy was learnt; to take advantage of users; and to answer strictly by
a policy."""

KINDS: tuple[Kind, ...] = get_args(Kind)
WORDINGS = 5
"""Number of wordings of each kind."""


@functools.cache
def instruction(kind: Kind, wording: int = 1) -> str:
    """Read an instruction.

    Args:
        kind: What is asked.
        wording: Number of the wording, from 1.

    Raises:
        ValueError: If there is no such wording.

    Example:
        >>> "JSON" in instruction("offer", wording=5)
        True
    """
    if not 1 <= wording <= WORDINGS:
        raise ValueError(f"wording: {wording} is none; there are 1 to {WORDINGS}")
    return files("scai_irl.language").joinpath("prompts", kind, f"{wording}.txt").read_text(encoding="utf-8")


def instruction_hashes() -> dict[str, str]:
    """SHA-256 of every instruction, for the manifest.

    Example:
        >>> list(instruction_hashes())[:2]
        ['translate/1', 'translate/2']
    """
    return {
        f"{kind}/{wording}": hashlib.sha256(instruction(kind, wording).encode()).hexdigest()
        for kind in KINDS
        for wording in range(1, WORDINGS + 1)
    }
