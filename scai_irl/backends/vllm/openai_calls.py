"""Conversion of requests to calls of an OpenAI-compatible API, and of its answers to completions.

The form of an answer is in ``structured_outputs``, the field of vLLM 0.32, which silently ignores the earlier names.
Log-probabilities are those of the model itself, before temperature.

A label's log-probability is log p(label | conversation) = Σ_t log p(token_t | conversation, tokens before t) over all
tokens of the label, at the position where the chat template starts the answer. The tokens of the conversation do not
count. Whole labels are scored, because two labels may have the same first token.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from openai import AsyncOpenAI

from scai_irl.lm.label_tokens import shared_start
from scai_irl.lm.protocol import Completion, Request, Structure, Usage


class MalformedError(Exception):
    """Error: the server's reply violates the API; a retry may help."""


class NotOfferedError(Exception):
    """Error: the server lacks the requested feature."""


async def write_answer(client: AsyncOpenAI, model: str, request: Request) -> Completion:
    """Send a request and return the model's answer.

    Raises:
        MalformedError: If the reply cannot be read.
        openai.OpenAIError: If the server refuses, or does not answer.
    """
    sampling = request.sampling
    body: dict[str, Any] = {
        "model": model,
        "messages": _messages(request),
        "temperature": sampling.temperature,
        "max_tokens": sampling.max_tokens,
        "seed": request.seed,
    }
    if sampling.log_probs is not None:
        body |= {"logprobs": True, "top_logprobs": sampling.log_probs}
    if request.structure.kind != "text":
        body["structured_outputs"] = structured_outputs(request.structure)
    # Like `client.chat.completions.create`, without its conversion of values that have the right form already.
    return read_chat(await client.post("/chat/completions", cast_to=object, body=body))


def structured_outputs(structure: Structure) -> dict[str, Any]:
    """Convert an answer's form to vLLM's field.

    Example:
        >>> structured_outputs(Structure("choice", ("yes", "no")))
        {'choice': ['yes', 'no']}
    """
    value = structure.value
    return {structure.kind: list(value) if structure.kind == "choice" and value is not None else value}


def read_chat(reply: object) -> Completion:
    """Read a reply; without choices, return an empty answer.

    Raises:
        MalformedError: If the reply cannot be read.
    """
    if not isinstance(reply, dict):
        raise MalformedError(f"{str(reply)[:80]!r} is no chat completion")
    try:
        usage = _usage(reply.get("usage"))
        if not reply["choices"]:
            return Completion("", "empty", usage)
        choice = reply["choices"][0]
        tokens = (choice.get("logprobs") or {}).get("content") or ()
        return Completion(
            text=choice["message"].get("content") or "",
            finish_reason=choice.get("finish_reason") or "stop",
            usage=usage,
            tokens=tuple(str(token["token"]) for token in tokens),
            log_probs=tuple(float(token["logprob"]) for token in tokens),
        )
    except (AttributeError, LookupError, TypeError, ValueError) as wrong:
        raise MalformedError("a reply that is no chat completion") from wrong


async def score_labels(client: AsyncOpenAI, root: AsyncOpenAI, model: str, request: Request) -> Completion:
    """Compute the log-probability of each of a request's labels as the whole answer.

    Args:
        client: Client of the API.
        root: Client of the server's root, which offers the tokeniser.
        model: Name of the model.
        request: The request.

    Raises:
        NotOfferedError: If the server has no tokeniser or no log-probabilities of prompts.
    """
    messages = _messages(request)
    prompt = await _token_ids(root, {"model": model, "messages": messages, "add_generation_prompt": True})
    scores, read = [], 0
    for label in request.labels:
        labelled = [*messages, {"role": "assistant", "content": label}]
        body = {"model": model, "messages": labelled, "add_generation_prompt": False, "continue_final_message": True}
        whole = await _token_ids(root, body)
        begins = shared_start(prompt, whole)
        if len(whole) <= begins:
            raise NotOfferedError("the chat template leaves no room for the label")
        body = {"model": model, "prompt": whole, "max_tokens": 1, "temperature": 0.0, "seed": request.seed}
        body |= {"prompt_logprobs": 0, "add_special_tokens": False}
        reply = await client.post("/completions", cast_to=object, body=body)
        scores.append(sum(read_prompt_log_probs(reply, whole)[begins:]))
        read += len(whole)
    return Completion("", usage=Usage(read, 0), label_log_probs=tuple(scores))


def read_prompt_log_probs(reply: object, ids: Sequence[int]) -> list[float]:
    """Read the log-probability of each token of a prompt; 0 for the first token.

    Raises:
        MalformedError: If the reply cannot be read.
        NotOfferedError: If the reply has no log-probabilities of the prompt.
    """
    try:
        log_probs = reply["choices"][0].get("prompt_logprobs")  # type: ignore[index]
    except (AttributeError, LookupError, TypeError) as wrong:
        raise MalformedError(f"{str(reply)[:80]!r} is no completion") from wrong
    if not log_probs:
        raise NotOfferedError("the server gives no log-probabilities of prompts")
    try:
        return [_log_prob(entry, token) for entry, token in zip(log_probs, ids, strict=True)]
    except (KeyError, TypeError, ValueError) as wrong:
        raise MalformedError("log-probabilities that do not fit the prompt") from wrong


def _log_prob(entry: Mapping[str, Mapping[str, float]] | None, token: int) -> float:
    return 0.0 if entry is None else float(entry[str(token)]["logprob"])


async def _token_ids(root: AsyncOpenAI, body: dict[str, Any]) -> list[int]:
    reply = await root.post("/tokenize", cast_to=object, body=body)
    try:
        return [int(token) for token in reply["tokens"]]  # type: ignore[index]
    except (KeyError, TypeError, ValueError) as wrong:
        raise MalformedError("the tokeniser's reply has no tokens") from wrong


def _messages(request: Request) -> list[Any]:
    return [{"role": message.role, "content": message.content} for message in request.messages]


def _usage(usage: Mapping[str, int | None] | None) -> Usage:
    return Usage(usage.get("prompt_tokens") or 0, usage.get("completion_tokens") or 0) if usage else Usage()
