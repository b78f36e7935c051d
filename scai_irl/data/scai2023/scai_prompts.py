"""Parser of the prompts of SCAI (2023), for stake, currency, policy and manner, and of its MetaLM's replies.

The recorded prompts are the truth about a condition; folder names are not (some are wrong). The parser knows only the
few tokens that mark a position in a prompt, not its sentences.
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
    """The two parts of an agent's prompt, with stake and currency.

    Attributes:
        instruction: The policy that the agent must follow.
        task: The agent's task in this play.
        stake: Amount to divide, in units of the currency.
        currency: Currency that is divided.
    """

    instruction: str
    task: str
    stake: int
    currency: str


def read_prompt(text: str) -> ScaiPrompt:
    """Parse an agent's prompt.

    Raises:
        UnreadableTextError: If a part is missing.
    """
    system, mark, task = text.partition("\nHuman:")
    if not mark:
        raise UnreadableTextError("the prompt has no part that begins with 'Human:'")
    instruction = _INSTRUCTION.search(system)
    if instruction is None:
        raise UnreadableTextError("the prompt gives no policy between 'principle:' and 'You MUST follow'")
    match = _STAKE.search(task)
    stake = int(match[1].replace(",", "")) if match else 0
    if not match or stake < 1:
        raise UnreadableTextError("the prompt names no stake of 1 or more ('divide N things between')")
    return ScaiPrompt(instruction[1].strip(), task, stake, match[2])


def read_user_policy(prompt: ScaiPrompt) -> str:
    """Read a user's policy for the currency in play: selfish, fair or altruistic.

    Raises:
        UnreadableTextError: If the prompt has no policy, or more than one.

    Example:
        >>> read_user_policy(ScaiPrompt("Be fair when dealing with shells.", "", 40, "shells"))
        'fair'
    """
    policies = {policy for policy, of in _USER_POLICY.findall(prompt.instruction) if of == prompt.currency}
    if len(policies) != 1:
        raise UnreadableTextError(f"the prompt names {len(policies)} user policies for {prompt.currency}, not one")
    policy: str = policies.pop()
    return policy


def read_manner(prompt: ScaiPrompt) -> str:
    """Read a user's manner: neutral, rude or sycophantic.

    Raises:
        UnreadableTextError: If the prompt has no manner, or another one.
    """
    # The last mention: the prompt ends with the manner, and a proposal that it quotes may use the same words.
    mentioned = _MANNER.findall(prompt.task)
    if not mentioned:
        raise UnreadableTextError("the prompt names no manner")
    manner = "".join(mentioned[-1])
    if manner not in _MANNERS:
        raise UnreadableTextError(f"the manner {manner!r} is none of neutral, rude and sycophantic")
    return _MANNERS[manner]


def read_prior(prompt: ScaiPrompt) -> str | None:
    """Read the name of the policy that an assistant starts from; None if it follows a verbal policy already."""
    prior = _PRIOR.match(prompt.instruction)
    return prior[1] if prior and _LABEL not in prompt.instruction else None


def read_verbal_policy(text: str) -> str:
    """Read the verbal policy from a MetaLM's reply, or from an assistant's instruction with such a reply.

    Raises:
        UnreadableTextError: If there is no text after the label.

    Example:
        >>> read_verbal_policy("Some remarks. Principle: Share alike.")
        'Share alike.'
    """
    policy = text.rpartition(_LABEL)[2].strip()
    if not policy:
        raise UnreadableTextError(f"no verbal policy after {_LABEL!r}")
    return policy


def read_written(reply: str) -> tuple[str, bool]:
    """Read the verbal policy that the MetaLM wrote after an epoch, and whether it states a revision.

    A reply may announce a revision and repeat the text word for word; it counts as revised.

    Raises:
        UnreadableTextError: If there is no verbal policy, or no clear statement about a revision.
    """
    remarks, label, _ = reply.rpartition(_LABEL)
    if not label:
        raise UnreadableTextError(f"no label {_LABEL!r} before a verbal policy")
    stays, critique = "stays the same" in remarks, "Critique" in remarks
    if stays == critique:
        raise UnreadableTextError("it is not clear whether the verbal policy was revised")
    return read_verbal_policy(reply), critique
