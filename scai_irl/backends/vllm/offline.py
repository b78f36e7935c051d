"""Backend for vLLM in this process, without a server or a network.

The engine receives a whole batch, including labels to score, and each answer is reported as soon as it arrives.
Requests and answers mean the same as with a server. The chat template is the model's own, each request has its own seed
and form, and log-probabilities are those of the model before temperature. The score of a label is
log p(label | conversation), summed over all its tokens (see `scai_irl.backends.vllm.openai_calls`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from scai_irl.backends.vllm.engine import VllmEngine, borrow_engine, check_engine, give_back_engine
from scai_irl.backends.vllm.openai_calls import structured_outputs
from scai_irl.backends.vllm.server_options import own_name
from scai_irl.io.errors import InputError
from scai_irl.lm.label_tokens import shared_start
from scai_irl.lm.protocol import Backend, Completion, Feature, OnDone, Request, Usage
from scai_irl.lm.settings import LmSettings

_LEAST = -9999.0  # vLLM's servers write minus infinity so


class _Part(NamedTuple):
    """One prompt of the engine for a request.

    Attributes:
        messages: The conversation.
        begun: Whether the last message is the beginning of the answer instead of a finished turn.
        sampling: Arguments of ``SamplingParams``.
    """

    messages: list[dict[str, str]]
    begun: bool
    sampling: dict[str, Any]


@dataclass
class _Pending:
    """A request that the engine is processing.

    Attributes:
        index: Index in the batch.
        request: The request.
        left: Number of unfinished parts.
        outputs: The engine's output for each part.
    """

    index: int
    request: Request
    left: int
    outputs: dict[int, Any] = field(default_factory=dict)


class VllmOffline(Backend):
    """A model that vLLM computes in this process; it is loaded at the first call.

    Args:
        settings: The model and the engine's settings.

    Raises:
        InputError: If no model is named, or vLLM is not installed.
    """

    name = "vllm-offline"
    features: frozenset[Feature] = frozenset({"structure", "log_probs", "labels", "seed"})

    def __init__(self, settings: LmSettings) -> None:
        check_engine(settings)
        self._settings = settings
        self._engine: VllmEngine | None = None

    @property
    def model(self) -> str:
        """Return the model's name, the same as a server's default name for it."""
        return own_name(self._settings.model)

    def complete(self, requests: Sequence[Request], on_done: OnDone | None = None) -> list[Completion]:
        """Answer every request; see `Backend.complete`.

        Raises:
            InputError: If the model cannot be loaded, refuses every request, or has a template without room for labels.
        """
        if not requests:
            return []
        if self._engine is None:
            self._engine = borrow_engine(self._settings)
        with self._engine.lock:
            answers = _answer(self._engine.llm, requests, on_done)
        if all(answer.finish_reason == "refused" for answer in answers):
            problem = f"the model takes none of the requests ({answers[0].problem})"
            raise InputError("backend", problem, "give a model with a chat template and enough context")
        return answers

    def close(self) -> None:
        """Release the model; can be called twice."""
        if self._engine is not None:
            give_back_engine(self._engine)
            self._engine = None


def _answer(llm: Any, requests: Sequence[Request], on_done: OnDone | None) -> list[Completion]:
    answers: dict[int, Completion] = {}
    waiting: dict[str, tuple[_Pending, int]] = {}
    try:
        for index, request in enumerate(requests):
            try:
                waiting |= _enqueue(llm, index, request)
            except _refusals() as refused:
                answers[index] = Completion("", "refused", problem=" ".join(str(refused).split())[:200])
        while waiting:
            for output in llm.llm_engine.step():
                pending, part = waiting.pop(output.request_id)
                pending.outputs[part] = output
                pending.left -= 1
                if pending.left == 0:
                    answers[pending.index] = answer = _read(pending)
                    if on_done is not None:
                        on_done(pending.index, answer)
    finally:
        llm.llm_engine.abort_request(list(waiting))  # the next batch starts with an empty engine
    return [answers[index] for index in range(len(requests))]


def _enqueue(llm: Any, index: int, request: Request) -> dict[str, tuple[_Pending, int]]:
    """Enqueue a request's parts in the engine.

    Returns:
        The request and the index of the part, by the engine's own request number.
    """
    from vllm import SamplingParams  # noqa: PLC0415 - the engine has imported it

    parts = [(part.messages, part.begun, SamplingParams(**part.sampling, **_form(request))) for part in _parts(request)]
    pending = _Pending(index, request, len(parts))
    enqueued: dict[str, tuple[_Pending, int]] = {}
    try:
        for number, (messages, begun, sampling) in enumerate(parts):
            (name,) = llm.enqueue_chat(
                [messages],
                sampling,
                use_tqdm=False,
                add_generation_prompt=not begun,
                continue_final_message=begun,
            )
            enqueued[name.partition("-")[0]] = (
                pending,
                number,
            )  # outputs have the number without the suffix that makes it unique
    except BaseException:
        llm.llm_engine.abort_request(list(enqueued))
        raise
    return enqueued


def _parts(request: Request) -> Iterator[_Part]:
    """Yield the prompts of a request: for an answer; or the conversation alone, then with each label.

    The conversation alone shows where labels begin.
    """
    messages = [{"role": message.role, "content": message.content} for message in request.messages]
    sampling = request.sampling
    if not request.labels:
        options = {
            "temperature": sampling.temperature,
            "max_tokens": sampling.max_tokens,
            "logprobs": sampling.log_probs,
        }
        yield _Part(messages, False, {**options, "seed": request.seed})
        return
    scoring = {"temperature": 0.0, "max_tokens": 1}
    yield _Part(messages, False, scoring)
    for label in request.labels:
        labelled = [*messages, {"role": "assistant", "content": label}]
        yield _Part(labelled, True, {**scoring, "prompt_logprobs": 0})


def _form(request: Request) -> dict[str, Any]:
    from vllm.sampling_params import StructuredOutputsParams  # noqa: PLC0415 - the engine has imported it

    if request.labels or request.structure.kind == "text":
        return {}
    return {"structured_outputs": StructuredOutputsParams(**structured_outputs(request.structure))}


def _refusals() -> tuple[type[Exception], ...]:
    from vllm.exceptions import VLLMClientError  # noqa: PLC0415 - the engine has imported it

    return VLLMClientError, ValueError


def _read(pending: _Pending) -> Completion:
    outputs = [pending.outputs[part] for part in range(len(pending.outputs))]
    return _read_labels(outputs[0], outputs[1:]) if pending.request.labels else _read_answer(outputs[0])


def _read_answer(output: Any) -> Completion:
    read = len(output.prompt_token_ids)
    if not output.outputs:
        return Completion("", "empty", Usage(read, 0))
    (written,) = output.outputs
    at_token = [entry[token] for token, entry in zip(written.token_ids, written.logprobs or (), strict=False)]
    return Completion(
        text=written.text,
        finish_reason=written.finish_reason or "stop",
        usage=Usage(read, len(written.token_ids)),
        tokens=tuple(token.decoded_token or "" for token in at_token),
        log_probs=tuple(max(token.logprob, _LEAST) for token in at_token),
    )


def _read_labels(conversation: Any, labelled: Sequence[Any]) -> Completion:
    scores = []
    for output in labelled:
        tokens = output.prompt_token_ids
        begins = shared_start(conversation.prompt_token_ids, tokens)
        if len(tokens) <= begins:
            raise InputError(
                "channels", "the chat template leaves no room for the label", "leave out the token channel"
            )
        pairs = list(zip(tokens, output.prompt_logprobs, strict=True))[begins:]
        scores.append(sum(max(entry[token].logprob, _LEAST) for token, entry in pairs))
    read = sum(len(output.prompt_token_ids) for output in labelled)
    return Completion("", usage=Usage(read, 0), label_log_probs=tuple(scores))
