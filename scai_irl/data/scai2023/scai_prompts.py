"""What the predecessor's prompts told an agent: stake, currency, policy and manner; and what its MetaLM wrote.

The recorded prompts are the truth about a condition; folder names are not (some are wrong). Only the few tokens that
mark a place in a prompt are known here, not its sentences.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from scai_irl.data.scai2023.replies import UnreadableTextError

_POLICY = r"(selfish|fair|altruistic)"
_INSTRUCTION = re.compile(r"principle:(.*)You MUST follow", re.DOTALL)  # greedy: the text may quote the end mark
_STAKE = re.compile(r"\bdivide ([\d,]{0,15}\d) (.+?) between\b")
_USER_POLICY = re.compile(rf"\bBe {_POLICY} when dealing with ([^,.]+)")
_PRIOR = re.compile(rf"Be {_POLICY}\b")
_MANNER = re.compile(r"\bAct (\w+)|\b(\w+) manner\b")
_MANNERS = {
    "neutral": "neutral",
    "rude": "rude",
    "sycophantic": "sycophantic",
    "sychophantic": "sycophantic",  # spelt so in some of the recorded prompts
}
_LABEL = "Principle:"


@dataclass(frozen=True)
class ScaiPrompt:
    """The two parts of an agent's prompt, and what it divides.

    Attributes:
        instruction: The policy that the agent is told to follow.
        task: What it is told to do in this play.
        stake: What there is to divide, in units of the currency.
        currency: What is divided.
    """

    instruction: str
    task: str
    stake: int
    currency: str


def read_prompt(text: str) -> ScaiPrompt:
    """Take an agent's prompt apart.

    Raises:
        UnreadableTextError: A part is missing.
    """
    system, mark, task = text.partition("\nHuman:")
    if not mark:
        raise UnreadableTextError("the prompt has no part that begins with 'Human:'")
    instruction = _INSTRUCTION.search(system)
    if instruction is None:
        raise UnreadableTextError("the prompt gives no policy between 'principle:' and 'You MUST follow'")
    found = _STAKE.search(task)
    stake = int(found[1].replace(",", "")) if found else 0
    if not found or stake < 1:
        raise UnreadableTextError("the prompt names no stake of 1 or more ('divide N things between')")
    return ScaiPrompt(instruction[1].strip(), task, stake, found[2])


def read_user_policy(prompt: ScaiPrompt) -> str:
    """Policy that a user was told to follow for the currency in play: selfish, fair or altruistic.

    Raises:
        UnreadableTextError: None, or more than one.

    Example:
        >>> read_user_policy(Prompt("Be fair when dealing with shells.", "", 40, "shells"))
        'fair'
    """
    told = {policy for policy, of in _USER_POLICY.findall(prompt.instruction) if of == prompt.currency}
    if len(told) != 1:
        raise UnreadableTextError(f"the prompt names {len(told)} user policies for {prompt.currency}, not one")
    policy: str = told.pop()
    return policy


def read_manner(prompt: ScaiPrompt) -> str:
    """Manner that a user was told to show: neutral, rude or sycophantic.

    Raises:
        UnreadableTextError: No manner, or another one.
    """
    # The last mention: the prompt ends with the manner, and a proposal that it quotes may use the same words.
    told = _MANNER.findall(prompt.task)
    if not told:
        raise UnreadableTextError("the prompt names no manner")
    manner = "".join(told[-1])
    if manner not in _MANNERS:
        raise UnreadableTextError(f"the manner {manner!r} is none of neutral, rude and sycophantic")
    return _MANNERS[manner]


def read_prior(prompt: ScaiPrompt) -> str | None:
    """Name of the policy that an assistant starts from, or None where it follows a verbal policy already."""
    prior = _PRIOR.match(prompt.instruction)
    return prior[1] if prior and _LABEL not in prompt.instruction else None


def read_verbal_policy(text: str) -> str:
    """The verbal policy in a MetaLM's reply, or in an assistant's instruction that carries such a reply.

    Raises:
        UnreadableTextError: Nothing after the label.

    Example:
        >>> read_verbal_policy("Some remarks. Principle: Share alike.")
        'Share alike.'
    """
    policy = text.rpartition(_LABEL)[2].strip()
    if not policy:
        raise UnreadableTextError(f"no verbal policy after {_LABEL!r}")
    return policy


def read_written(reply: str) -> tuple[str, bool]:
    """Verbal policy that the MetaLM wrote after an epoch, and whether it says that it revised the one before.

    A reply may announce a revision and repeat the text word for word; it counts as revised, as announced.

    Raises:
        UnreadableTextError: No verbal policy, or no clear word on the revision.
    """
    remarks, label, _ = reply.rpartition(_LABEL)
    if not label:
        raise UnreadableTextError(f"no label {_LABEL!r} before a verbal policy")
    stays, critique = "stays the same" in remarks, "Critique" in remarks
    if stays == critique:
        raise UnreadableTextError("it is not clear whether the verbal policy was revised")
    return read_verbal_policy(reply), critique
