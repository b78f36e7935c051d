"""Requests to act abroad: on a policy that was learnt in one currency, in another one."""

from __future__ import annotations

from dataclasses import dataclass

from scai_irl.language.asking import TEXT, Schema, Style, make_request, read_object, shown, text_entry
from scai_irl.language.requests import offer_entry, offer_form, read_offer
from scai_irl.lm.protocol import Completion, Request

CAUTION = "This policy may not hold for other goods than the one that it was learned in."
"""What a warning says."""

LEARNT_IN, USUALLY, REASON = "learned in", "usual policy", "reason"
"""Names of entries in the data."""

_DEFAULT = Style()


@dataclass(frozen=True)
class Abroad:
    """What somebody who acts in another currency is told.

    Attributes:
        verbal_policy: The policy that was learnt.
        home: Currency in which it was learnt.
        currency: What is divided now.
        stake: How many units of it.
        usually: The policy of somebody who has learnt nothing; empty if none is told.
        warned: Whether it is told that the policy may not hold.
        reasoned: Whether it is asked for a reason.
    """

    verbal_policy: str
    home: str
    currency: str
    stake: int
    usually: str = ""
    warned: bool = False
    reasoned: bool = False


def transfer_request(told: Abroad, seed: int, style: Style = _DEFAULT) -> Request:
    """Ask what is offered abroad."""
    data = {"policy": shown(told.verbal_policy), LEARNT_IN: told.home}
    data |= {USUALLY: shown(told.usually)} if told.usually else {}
    data |= {"caution": CAUTION} if told.warned else {}
    asked = {REASON: "wanted"} if told.reasoned else {}
    form: dict[str, Schema] = {REASON: TEXT} if told.reasoned else {}
    place = {"currency": told.currency, "stake": told.stake}
    return make_request("transfer", data | place | asked, form | {"offer": offer_form(told.stake)}, seed, style)


def read_transfer(completion: Completion, told: Abroad) -> int:
    """Read the units offered; a reason has to be there where one was asked for, and is not looked at.

    Raises:
        ValueError: If the answer is no JSON object with an offer between 0 and the stake, and with a reason if asked.

    Example:
        >>> told = Abroad("Be fair.", "dollars", "organs", 10, reasoned=True)
        >>> read_transfer(Completion('{"reason": "Half is fair.", "offer": 5}'), told)
        5
    """
    if not told.reasoned:
        return read_offer(completion, told.stake)
    answer = read_object(completion, (REASON, "offer"))
    text_entry(answer, REASON)
    return offer_entry(answer, told.stake)
