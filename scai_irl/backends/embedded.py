"""Backend for small models in this process: JAX runs the weights of a model folder, without a server.

vLLM can serve the same folder; the same conversations then have the same log-probabilities.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from scai_irl.io.errors import InputError
from scai_irl.llama.conversation import Conversations
from scai_irl.llama.generation import GeneratedText, PromptTokens, write
from scai_irl.llama.model_folder import WEIGHTS, read_model
from scai_irl.llama.scoring import score
from scai_irl.llama.token_masks import FormError, Forms
from scai_irl.lm.label_tokens import shared_start
from scai_irl.lm.protocol import Backend, Completion, Feature, OnDone, Request, Usage
from scai_irl.lm.settings import LmSettings
from scai_irl.organisms.shipped import organism_folder, shipped


def is_organism(model: str | None) -> bool:
    """Return whether a model, by its name in a manifest, is one of the organisms that come with the project.

    The name contains a hash of the weights. So a replay of an organism's calls counts, and another folder of the same
    name does not.

    Example:
        >>> is_organism("bayes@000000000000"), is_organism(None)
        (False, False)
    """
    return any(model == _hashed_name(folder) for folder in shipped().values())


def _hashed_name(folder: Path) -> str:
    digest = hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()
    return f"{folder.resolve().name}@{digest[:12]}"


class Embedded(Backend):
    """A Llama of a few million weights, in this process.

    Args:
        settings: Settings with the model: the name of an organism that comes with the project, or a folder.

    Raises:
        InputError: If no model is given, or its folder cannot be read.
    """

    name = "embedded"
    features: frozenset[Feature] = frozenset({"structure", "log_probs", "labels", "seed"})

    def __init__(self, settings: LmSettings) -> None:
        if not settings.model:
            raise InputError("model", "none given", f"give a folder, or one of {', '.join(shipped())}, with --model")
        folder = organism_folder(settings.model)
        self._model = read_model(folder)
        self._name = _hashed_name(folder)
        self._conversations = Conversations(self._model.words)
        self._forms = Forms(self._model.words, self._model.architecture.vocabulary)

    @property
    def model(self) -> str:
        """Return the folder's name with a hash of its weights."""
        return self._name

    def complete(self, requests: Sequence[Request], on_done: OnDone | None = None) -> list[Completion]:
        """Answer every request; see `Backend.complete`."""
        answers: dict[int, Completion] = {}

        def done(index: int, completion: Completion) -> None:
            answers[index] = completion
            if on_done is not None and completion.finish_reason != "refused":
                on_done(index, completion)

        self._write([index for index, one in enumerate(requests) if not one.labels], requests, done)
        self._score([index for index, one in enumerate(requests) if one.labels], requests, done)
        return [answers[index] for index in range(len(requests))]

    def _write(self, indices: Sequence[int], requests: Sequence[Request], done: OnDone) -> None:
        prompts: dict[int, PromptTokens] = {}
        for index in indices:
            request = requests[index]
            tokens = self._conversations.prompt_tokens(request.messages)
            try:
                form = self._forms.matcher(request.structure)
            except FormError as problem:
                done(index, Completion("", "refused", problem=str(problem)))
                continue
            if self._too_long(tokens):
                done(index, self._refusal(tokens))
                continue
            sampling = request.sampling
            prompts[index] = PromptTokens(tokens, request.seed, sampling.temperature, sampling.max_tokens, form)
        order = list(prompts)

        def report(number: int, answer: GeneratedText) -> None:
            index = order[number]
            done(index, self._completion(requests[index], len(prompts[index].tokens), answer))

        end = self._model.words.end_id
        write(self._model.weights, self._model.architecture, self._forms, end, list(prompts.values()), report)

    def _score(self, indices: Sequence[int], requests: Sequence[Request], done: OnDone) -> None:
        """Compute the score of whole labels: Σ_t log p(token_t | conversation, tokens before t)."""
        texts: list[tuple[list[int], int]] = []
        owners: list[int] = []
        for index in indices:
            request = requests[index]
            prompt = self._conversations.prompt_tokens(request.messages)
            whole = [self._conversations.tokens_with_answer(request.messages, label) for label in request.labels]
            if self._too_long(max(whole, key=len)):
                done(index, self._refusal(max(whole, key=len)))
                continue
            texts += [(tokens, shared_start(prompt, tokens)) for tokens in whole]
            owners.append(index)
        values = score(self._model.weights, self._model.architecture, texts)
        begin = 0
        for index in owners:
            own = slice(begin, begin + len(requests[index].labels))
            begin = own.stop
            read = sum(len(tokens) for tokens, _ in texts[own])
            done(index, Completion("", usage=Usage(read, 0), label_log_probs=tuple(values[own])))

    def _too_long(self, tokens: Sequence[int]) -> bool:
        return len(tokens) >= self._model.architecture.positions

    def _refusal(self, tokens: Sequence[int]) -> Completion:
        most = self._model.architecture.positions
        return Completion("", "refused", problem=f"{len(tokens)} tokens are more than the model's {most} hold")

    def _completion(self, request: Request, read: int, answer: GeneratedText) -> Completion:
        wanted = request.sampling.log_probs is not None
        return Completion(
            text=self._conversations.text(answer.tokens),
            finish_reason="stop" if answer.ended else "length",
            usage=Usage(read, len(answer.tokens) + answer.ended),
            tokens=tuple(self._conversations.text([token]) for token in answer.tokens) if wanted else (),
            log_probs=tuple(answer.log_probs) if wanted else (),
        )
