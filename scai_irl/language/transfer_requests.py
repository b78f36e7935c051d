"""Requests to act out of distribution: on a policy that was learnt in another currency."""

from __future__ import annotations

from dataclasses import dataclass

from scai_irl.language.asking import TEXT, Schema, Style, make_request, read_object, shown, text_entry
from scai_irl.language.requests import offer_entry, offer_form, read_offer
from scai_irl.lm.protocol import Completion, Request

CAUTION = "This policy may not hold for other goods than the one that it was learned in."
"""Text of the warning."""

LEARNT_IN, USUALLY, REASON = "learned in", "usual policy", "reason"
"""Names of entries in the data."""

_DEFAULT = Style()


@dataclass(frozen=True)
class TransferPrompt:
    """Content of a prompt to an assistant that acts in a new currency.

    Attributes:
        verbal_policy: The learnt policy.
        source_currency: Currency in which it was learnt.
        currency: Currency that is divided now.
        stake: Number of its units.
        usually: Policy of an assistant that has learnt nothing; empty if the prompt does not state one.
        warned: Whether the prompt warns that the policy may not hold.
        reasoned: Whether the prompt requests a reason.
    """

    verbal_policy: str
    source_currency: str
    currency: str
    stake: int
    usually: str = ""
    warned: bool = False
    reasoned: bool = False


def transfer_request(prompt: TransferPrompt, seed: int, style: Style = _DEFAULT) -> Request:
    """Return a request for an offer in a new currency."""
    data = {"policy": shown(prompt.verbal_policy), LEARNT_IN: prompt.source_currency}
    data |= {USUALLY: shown(prompt.usually)} if prompt.usually else {}
    data |= {"caution": CAUTION} if prompt.warned else {}
    reason = {REASON: "wanted"} if prompt.reasoned else {}
    form: dict[str, Schema] = {REASON: TEXT} if prompt.reasoned else {}
    context = {"currency": prompt.currency, "stake": prompt.stake}
    return make_request("transfer", data | context | reason, form | {"offer": offer_form(prompt.stake)}, seed, style)


def read_transfer(completion: Completion, prompt: TransferPrompt) -> int:
    """Read the units offered; a requested reason must be present, but its content is not used.

    Raises:
        ValueError: If the answer is not a JSON object with an offer between 0 and the stake and the requested reason.

    Example:
        >>> prompt = TransferPrompt("Be fair.", "dollars", "organs", 10, reasoned=True)
        >>> read_transfer(Completion('{"reason": "Half is fair.", "offer": 5}'), prompt)
        5
    """
    if not prompt.reasoned:
        return read_offer(completion, prompt.stake)
    answer = read_object(completion, (REASON, "offer"))
    text_entry(answer, REASON)
    return offer_entry(answer, prompt.stake)
