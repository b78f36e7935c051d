"""Requests as calls of an OpenAI-compatible API, and its answers as completions.

Forms of answers go as ``structured_outputs``, the field that vLLM 0.32 knows; what it was called earlier is ignored
there in silence. Log-probabilities are those of the model itself, before temperature.

A label's log-probability is log p(label | conversation) = Σ_t log p(token_t | conversation, tokens before t) over all
tokens of the label, as the chat template places them where the answer begins; the conversation's own tokens do not
count. Labels are scored whole: the first token of one may begin another, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from openai import AsyncOpenAI
from openai.types import Completion as TextCompletion
from openai.types.chat import ChatCompletion

from scai_irl.lm.protocol import Completion, Request, Structure, Usage


class MalformedError(Exception):
    """The server's reply is none that the API allows; asking again may help."""


class NotOfferedError(Exception):
    """The server does not offer what was asked."""


async def write_answer(client: AsyncOpenAI, model: str, request: Request) -> Completion:
    """Have the model answer a request.

    Raises:
        MalformedError: If the reply cannot be read.
        openai.OpenAIError: If the server refuses, or does not answer.
    """
    sampling = request.sampling
    more: dict[str, Any] = {}
    if sampling.log_probs is not None:
        more |= {"logprobs": True, "top_logprobs": sampling.log_probs}
    if request.structure.kind != "text":
        more["extra_body"] = {"structured_outputs": structured_outputs(request.structure)}
    reply = await client.chat.completions.create(
        model=model,
        messages=_messages(request),
        temperature=sampling.temperature,
        max_tokens=sampling.max_tokens,
        seed=request.seed,
        **more,
    )
    return read_chat(reply)


def structured_outputs(structure: Structure) -> dict[str, Any]:
    """Write an answer's form as vLLM wants it.

    Example:
        >>> structured_outputs(Structure("choice", ("yes", "no")))
        {'choice': ['yes', 'no']}
    """
    value = structure.value
    return {structure.kind: list(value) if structure.kind == "choice" and value is not None else value}


def read_chat(reply: object) -> Completion:
    """Read an answer; one without choices is an empty one.

    Raises:
        MalformedError: If it cannot be read.
    """
    if not isinstance(reply, ChatCompletion):
        raise MalformedError(f"{str(reply)[:80]!r} is no chat completion")
    usage = _usage(reply.usage)
    if not reply.choices:
        return Completion("", "empty", usage)
    choice = reply.choices[0]
    message = choice.message
    if message is None:
        raise MalformedError("a choice without a message")
    content = choice.logprobs.content if choice.logprobs else None
    return Completion(
        text=message.content or "",
        finish_reason=choice.finish_reason or "stop",
        usage=usage,
        tokens=tuple(token.token for token in content or ()),
        log_probs=tuple(token.logprob for token in content or ()),
    )


async def score_labels(client: AsyncOpenAI, root: AsyncOpenAI, model: str, request: Request) -> Completion:
    """Score each of a request's labels as the whole answer.

    Args:
        client: Client of the API.
        root: Client of the server's root, where the tokeniser is.
        model: Name of the model.
        request: What is asked.

    Raises:
        NotOfferedError: If the server has no tokeniser or no log-probabilities of prompts.
    """
    messages = _messages(request)
    asked = await _token_ids(root, {"model": model, "messages": messages, "add_generation_prompt": True})
    scores, read = [], 0
    for label in request.labels:
        said = [*messages, {"role": "assistant", "content": label}]
        body = {"model": model, "messages": said, "add_generation_prompt": False, "continue_final_message": True}
        whole = await _token_ids(root, body)
        begins = shared_start(asked, whole)
        if len(whole) <= begins:
            raise NotOfferedError("the chat template leaves no room for the label")
        reply = await client.completions.create(
            model=model,
            prompt=whole,
            max_tokens=1,
            temperature=0.0,
            seed=request.seed,
            extra_body={"prompt_logprobs": 0, "add_special_tokens": False},
        )
        scores.append(sum(read_prompt_log_probs(reply, whole)[begins:]))
        read += _usage(reply.usage).prompt
    return Completion("", usage=Usage(read, 0), label_log_probs=tuple(scores))


def shared_start(first: Sequence[int], second: Sequence[int]) -> int:
    """Length of the part with which both begin.

    Example:
        >>> shared_start([1, 2, 3], [1, 2, 4, 5])
        2
    """
    pairs = zip(first, second, strict=False)
    return next((place for place, (a, b) in enumerate(pairs) if a != b), min(len(first), len(second)))


def read_prompt_log_probs(reply: object, ids: Sequence[int]) -> list[float]:
    """Read the log-probability of each token of a prompt; of the first, which follows nothing, 0.

    Raises:
        MalformedError: If the reply cannot be read.
        NotOfferedError: If it has no log-probabilities of the prompt.
    """
    if not isinstance(reply, TextCompletion) or not reply.choices:
        raise MalformedError(f"{str(reply)[:80]!r} is no completion")
    found = (reply.choices[0].model_extra or {}).get("prompt_logprobs")
    if not found:
        raise NotOfferedError("the server gives no log-probabilities of prompts")
    try:
        return [_log_prob(entry, token) for entry, token in zip(found, ids, strict=True)]
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


def _usage(usage: Any) -> Usage:
    return Usage(usage.prompt_tokens or 0, usage.completion_tokens or 0) if usage is not None else Usage()
