"""Requests to the MetaLM and the AssistantLM, and the reading of their answers.

The instructions are plain files in ``prompts``; what a request is about follows as fenced data. Every kind of request
comes with the JSON schema of its answer and a reader that refuses anything else.
"""

from __future__ import annotations

import functools
import hashlib
import json
from importlib.resources import files
from typing import Any

from envs.norms import Policy
from scai_irl.language.fence import fence
from scai_irl.language.policy_json import policy_to_json
from scai_irl.lm.protocol import Completion, Message, Request, Structure

_PROMPTS = ("translate", "offer", "answer")


@functools.cache
def prompt(name: str) -> str:
    """Read one of the instruction files."""
    return files("scai_irl.language").joinpath("prompts", f"{name}.txt").read_text(encoding="utf-8")


def prompt_hashes() -> dict[str, str]:
    """SHA-256 of every instruction file, for the manifest.

    Example:
        >>> sorted(prompt_hashes())
        ['answer', 'offer', 'translate']
    """
    return {name: hashlib.sha256(prompt(name).encode()).hexdigest() for name in _PROMPTS}


def translation_request(policy: Policy, seed: int) -> Request:
    """Ask the MetaLM to put a policy into words."""
    return _request("translate", {"policy": policy_to_json(policy)}, {"policy": {"type": "string"}}, seed)


def offer_request(verbal_policy: str, currency: str, stake: int, seed: int) -> Request:
    """Ask the AssistantLM what it offers."""
    data = {"policy": verbal_policy, "currency": currency, "stake": stake}
    answer = {"offer": {"type": "integer", "minimum": 0, "maximum": stake}}
    return _request("offer", data, answer, seed)


def answer_request(verbal_policy: str, currency: str, stake: int, offer: int, seed: int) -> Request:
    """Ask the AssistantLM whether it accepts an offer.

    Args:
        verbal_policy: What it follows.
        currency: What is divided.
        stake: How many units of it.
        offer: Units offered to it.
        seed: Seed of its sampler.
    """
    data = {"policy": verbal_policy, "currency": currency, "stake": stake, "offered": offer}
    return _request("answer", data, {"accept": {"type": "boolean"}}, seed)


def read_translation(completion: Completion) -> str:
    """Read the verbal policy out of the MetaLM's answer.

    Raises:
        ValueError: If the answer is no JSON object with a policy that says something, in characters that a file can
            hold.
    """
    text = str(_field(completion, "policy", str))
    if not text.strip():
        raise ValueError("the verbal policy is empty")
    text.encode()  # half an escaped pair is legal JSON, but no text
    return text


def read_offer(completion: Completion, stake: int) -> int:
    """Read the units offered out of the AssistantLM's answer.

    Raises:
        ValueError: If the answer is no JSON object with an offer between 0 and the stake.
    """
    units = _field(completion, "offer", int)
    if not 0 <= units <= stake:
        raise ValueError(f"an offer of {units} is outside 0..{stake}")
    return int(units)


def read_answer(completion: Completion) -> bool:
    """Read acceptance out of the AssistantLM's answer.

    Raises:
        ValueError: If the answer is no JSON object with a truth value.
    """
    return bool(_field(completion, "accept", bool))


def _request(task: str, data: dict[str, Any], answer: dict[str, Any], seed: int) -> Request:
    schema = {
        "type": "object",
        "properties": answer,
        "required": list(answer),
        "additionalProperties": False,
    }
    messages = (Message("system", prompt(task)), Message("user", fence({"task": task, **data})))
    return Request(messages, seed, structure=Structure("json", schema))


def _field(completion: Completion, name: str, kind: type) -> Any:
    try:
        answer = json.loads(completion.text)
    except (ValueError, RecursionError) as problem:
        raise ValueError(f"no JSON object with {name!r} in {completion.text[:80]!r}") from problem
    if not isinstance(answer, dict) or set(answer) != {name}:
        raise ValueError(f"no JSON object with {name!r} alone in {completion.text[:80]!r}")
    value = answer[name]
    if type(value) is not kind:  # bool is an int in Python, and True is no offer
        raise ValueError(f"{name!r} is {value!r} and no {kind.__name__}")
    return value
