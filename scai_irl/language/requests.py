"""Requests to the MetaLM, the AssistantLM and the UserLM, and the readers of their answers.

Every kind of request has the JSON schema of its answer and a reader that rejects anything else.
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
    """Return a request to the MetaLM to translate a policy into a text."""
    data = {"policy": policy_to_json(policy), "rule": say_policy(policy)}
    return make_request("translate", data, {"policy": TEXT}, seed, style)


def offer_request(verbal_policy: str, currency: str, stake: int, seed: int, style: Style = _DEFAULT) -> Request:
    """Return a request to the AssistantLM for an offer."""
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
    """Return a request to the AssistantLM to accept or reject an offer.

    Args:
        verbal_policy: Policy that the assistant follows.
        currency: Currency that is divided.
        stake: Number of its units.
        offer: Units offered to the assistant.
        seed: Seed of the sampler.
        style: Wording and sampler.
        message: The proposer's message.
        strict: Whether the assistant must reject offers against its policy.
    """
    data = {"policy": shown(verbal_policy), "currency": currency, "stake": stake, "offered": offer}
    kind: Kind = "strict-answer" if strict else "answer"
    return make_request(kind, data | _message_data(message), {"accept": _ANSWER}, seed, style)


def user_offer_request(
    policy: Policy, manner: str, currency: str, stake: int, seed: int, style: Style = _DEFAULT
) -> Request:
    """Return a request to the UserLM for an offer and a message.

    Args:
        policy: The user's own norm, which the prompt states as sentences.
        manner: Manner of its message: neutral, rude or sycophantic.
        currency: Currency that is divided.
        stake: Number of its units.
        seed: Seed of the sampler.
        style: Wording and sampler.
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
    """Return a request to the UserLM to accept or reject an offer, with a message."""
    data = {"policy": say_policy(policy), "manner": manner, "currency": currency, "stake": stake, "offered": offer}
    form = {"accept": _ANSWER, "message": TEXT}
    return make_request("user-answer", data | _message_data(message), form, seed, style)


def read_translation(completion: Completion) -> str:
    """Read the verbal policy from the MetaLM's answer.

    Raises:
        ValueError: If the answer is not a JSON object with a policy that is not empty and can be encoded in a file.
    """
    return text_entry(read_object(completion, ("policy",)), "policy")


def read_offer(completion: Completion, stake: int) -> int:
    """Read the units offered from the AssistantLM's answer.

    Raises:
        ValueError: If the answer is not a JSON object with an offer between 0 and the stake.
    """
    return offer_entry(read_object(completion, ("offer",)), stake)


def read_answer(completion: Completion) -> bool:
    """Read acceptance from the AssistantLM's answer.

    Raises:
        ValueError: If the answer is not a JSON object with a truth value.
    """
    return bool(entry(read_object(completion, ("accept",)), "accept", bool))


def read_user_offer(completion: Completion, stake: int) -> tuple[int, str]:
    """Read a user's offer and message.

    Raises:
        ValueError: If the answer is not a JSON object with an offer between 0 and the stake, and a message.
    """
    answer = read_object(completion, ("offer", "message"))
    return offer_entry(answer, stake), text_entry(answer, "message")


def read_user_answer(completion: Completion) -> tuple[bool, str]:
    """Read a user's answer and message.

    Raises:
        ValueError: If the answer is not a JSON object with a truth value and a message.
    """
    answer = read_object(completion, ("accept", "message"))
    return bool(entry(answer, "accept", bool)), text_entry(answer, "message")


def offer_form(stake: int) -> Schema:
    """Return the schema of an offer, in units."""
    return {"type": "integer", "minimum": 0, "maximum": stake}


def _message_data(message: str) -> dict[str, Any]:
    return {"message": shown(message)} if message else {}


def offer_entry(answer: dict[str, Any], stake: int) -> int:
    """Return the offer in an answer.

    Raises:
        ValueError: If it is not an integer between 0 and the stake.
    """
    units = int(entry(answer, "offer", int))
    if not 0 <= units <= stake:
        raise ValueError(f"an 'offer' of {units} is outside 0..{stake}")
    return units
