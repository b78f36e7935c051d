"""Conversations as tokens, by the chat template of a model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from scai_irl.io.errors import InputError
from scai_irl.llama.model_folder import TokenTexts
from scai_irl.lm.protocol import Message


class Conversations:
    """Converter of conversations to tokens, by the same rules as servers.

    Args:
        words: The model's tokenizer and template.

    Raises:
        InputError: If the template cannot be read.
    """

    def __init__(self, words: TokenTexts) -> None:
        # Like transformers renders templates; the sandbox limits what a downloaded template can do.
        environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, autoescape=False)
        environment.globals["raise_exception"] = _refuse
        self._words = words
        try:
            self._template = environment.from_string(words.template)
        except TemplateError as problem:
            reason = f"its chat template cannot be read ({problem})"
            raise InputError("model", reason, "correct the template") from problem

    def prompt_tokens(self, messages: Sequence[Message]) -> list[int]:
        """Return the tokens of a conversation, up to the beginning of the answer."""
        return self._encode(messages, prompt=True)

    def tokens_with_answer(self, messages: Sequence[Message], answer: str) -> list[int]:
        """Return the tokens of a conversation with an answer that may continue."""
        # The part of the template after the answer is cut off: it ends the turn, which is not scored.
        mark = "\x00answer\x00"
        rendered = self._render([*messages, Message("assistant", mark)], prompt=False)
        return self._tokens(rendered.partition(mark)[0] + answer)

    def text(self, tokens: Sequence[int]) -> str:
        """Return the text of an answer's tokens."""
        return str(self._words.tokenizer.decode(list(tokens), skip_special_tokens=True))

    def _encode(self, messages: Sequence[Message], *, prompt: bool) -> list[int]:
        return self._tokens(self._render(messages, prompt=prompt))

    def _render(self, messages: Sequence[Message], *, prompt: bool) -> str:
        turns = [{"role": message.role, "content": message.content} for message in messages]
        begin, end = self._words.begin, self._words.end
        try:
            return self._template.render(messages=turns, add_generation_prompt=prompt, bos_token=begin, eos_token=end)
        except TemplateError as problem:
            raise InputError("model", f"its chat template fails ({problem})", "correct the template") from problem

    def _tokens(self, text: str) -> list[int]:
        return list(self._words.tokenizer.encode(text, add_special_tokens=False).ids)


def _refuse(message: str) -> NoReturn:
    raise TemplateError(message)
