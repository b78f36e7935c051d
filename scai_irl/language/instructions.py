"""Instructions to language models, each kind in several wordings, so that wording can be an experimental factor.

The files are ``prompts/KIND/NUMBER.txt``. Every wording of a kind requests the same answer in the same form.
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
"""Kind of request: translate a policy into a text; learn a policy from interactions; update a verbal belief and sample
a policy from it; act on a policy, as an assistant or as a user; state a belief over labels, or choose a label; act in a
currency other than the one in which a policy was learnt; take advantage of users; answer strictly by a policy."""

KINDS: tuple[Kind, ...] = get_args(Kind)
WORDINGS = 5
"""Number of wordings of each kind."""


@functools.cache
def instruction(kind: Kind, wording: int = 1) -> str:
    """Return the text of an instruction.

    Args:
        kind: Kind of request.
        wording: Number of the wording, from 1.

    Raises:
        ValueError: If there is no such wording.

    Example:
        >>> "JSON" in instruction("offer", wording=5)
        True
    """
    if not 1 <= wording <= WORDINGS:
        raise ValueError(f"wording: {wording} is unknown; give one from 1 to {WORDINGS}")
    return files("scai_irl.language").joinpath("prompts", kind, f"{wording}.txt").read_text(encoding="utf-8")


def instruction_hashes() -> dict[str, str]:
    """Compute the SHA-256 of every instruction, for the manifest.

    Example:
        >>> list(instruction_hashes())[:2]
        ['translate/1', 'translate/2']
    """
    return {
        f"{kind}/{wording}": hashlib.sha256(instruction(kind, wording).encode()).hexdigest()
        for kind in KINDS
        for wording in range(1, WORDINGS + 1)
    }
