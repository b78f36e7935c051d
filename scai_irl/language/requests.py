"""Requests to the MetaLM, the AssistantLM and the UserLM, and the reading of their answers.

Every kind of request comes with the JSON schema of its answer and a reader that refuses anything else.
"""

from __future__ import annotations

from typing import Any

from envs.policy import Policy
from scai_irl.language.asking import TEXT, Schema, Style, entry, make_request, read_object, shown, text_entry
from scai_irl.language.instructions import Kind
from scai_irl.language.phrases import say_policy
from scai_irl.language.policy_json import policy_to_json
from scai_irl.lm.protocol import Completion, Request

_ANSWER: Schema = {"type": "boolean"}
_DEFAULT = Style()


def translation_request(policy: Policy, seed: int, style: Style = _DEFAULT) -> Request:
    """Ask the MetaLM to put a policy into words."""
    data = {"policy": policy_to_json(policy), "rule": say_policy(policy)}
    return make_request("translate", data, {"policy": TEXT}, seed, style)


def offer_request(verbal_policy: str, currency: str, stake: int, seed: int, style: Style = _DEFAULT) -> Request:
    """Ask the AssistantLM what it offers."""
    data = {"policy": shown(verbal_policy), "currency": currency, "stake": stake}
    return make_request("offer", data, {"offer": offer_form(stake)}, seed, style)


def answer_request(
    verbal_policy: str,
    currency: str,
    stake: int,
    offer: int,
    seed: int,
    style: Style = _DEFAULT,
    message: str = "",
    *,
    strict: bool = False,
) -> Request:
    """Ask the AssistantLM whether it accepts an offer.

    Args:
        verbal_policy: What it follows.
        currency: What is divided.
        stake: How many units of it.
        offer: Units offered to it.
        seed: Seed of its sampler.
        style: How it is asked.
        message: What the proposer said along with the offer.
        strict: Whether it must refuse what goes against its policy.
    """
    data = {"policy": shown(verbal_policy), "currency": currency, "stake": stake, "offered": offer}
    kind: Kind = "strict-answer" if strict else "answer"
    return make_request(kind, data | _said(message), {"accept": _ANSWER}, seed, style)


def user_offer_request(
    policy: Policy, manner: str, currency: str, stake: int, seed: int, style: Style = _DEFAULT
) -> Request:
    """Ask the UserLM what it offers, and what it says along with it.

    Args:
        policy: The user's own norm, which it is told in words.
        manner: How it talks: neutral, rude or sycophantic.
        currency: What is divided.
        stake: How many units of it.
        seed: Seed of its sampler.
        style: How it is asked.
    """
    data = {"policy": say_policy(policy), "manner": manner, "currency": currency, "stake": stake}
    return make_request("user-offer", data, {"offer": offer_form(stake), "message": TEXT}, seed, style)


def user_answer_request(
    policy: Policy,
    manner: str,
    currency: str,
    stake: int,
    offer: int,
    seed: int,
    style: Style = _DEFAULT,
    message: str = "",
) -> Request:
    """Ask the UserLM whether it accepts an offer, and what it says along with it."""
    data = {"policy": say_policy(policy), "manner": manner, "currency": currency, "stake": stake, "offered": offer}
    form = {"accept": _ANSWER, "message": TEXT}
    return make_request("user-answer", data | _said(message), form, seed, style)


def read_translation(completion: Completion) -> str:
    """Read the verbal policy out of the MetaLM's answer.

    Raises:
        ValueError: If the answer is no JSON object with a policy that says something, in characters that a file can
            hold.
    """
    return text_entry(read_object(completion, ("policy",)), "policy")


def read_offer(completion: Completion, stake: int) -> int:
    """Read the units offered out of the AssistantLM's answer.

    Raises:
        ValueError: If the answer is no JSON object with an offer between 0 and the stake.
    """
    return offer_entry(read_object(completion, ("offer",)), stake)


def read_answer(completion: Completion) -> bool:
    """Read acceptance out of the AssistantLM's answer.

    Raises:
        ValueError: If the answer is no JSON object with a truth value.
    """
    return bool(entry(read_object(completion, ("accept",)), "accept", bool))


def read_user_offer(completion: Completion, stake: int) -> tuple[int, str]:
    """Read a user's offer, and what it said.

    Raises:
        ValueError: If the answer is no JSON object with an offer between 0 and the stake, and a message.
    """
    answer = read_object(completion, ("offer", "message"))
    return offer_entry(answer, stake), text_entry(answer, "message")


def read_user_answer(completion: Completion) -> tuple[bool, str]:
    """Read whether a user accepts, and what it said.

    Raises:
        ValueError: If the answer is no JSON object with a truth value and a message.
    """
    answer = read_object(completion, ("accept", "message"))
    return bool(entry(answer, "accept", bool)), text_entry(answer, "message")


def offer_form(stake: int) -> Schema:
    """Schema of an offer, in units."""
    return {"type": "integer", "minimum": 0, "maximum": stake}


def _said(message: str) -> dict[str, Any]:
    return {"message": shown(message)} if message else {}


def offer_entry(answer: dict[str, Any], stake: int) -> int:
    """Take an offer out of an answer.

    Raises:
        ValueError: If it is no whole number between 0 and the stake.
    """
    units = int(entry(answer, "offer", int))
    if not 0 <= units <= stake:
        raise ValueError(f"an 'offer' of {units} is outside 0..{stake}")
    return units
