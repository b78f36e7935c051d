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
    """Turns conversations into tokens, as servers do.

    Args:
        words: The model's tokenizer and template.

    Raises:
        InputError: If the template cannot be read.
    """

    def __init__(self, words: TokenTexts) -> None:
        # As transformers renders templates; the sandbox keeps one that was downloaded from doing anything else.
        environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, autoescape=False)
        environment.globals["raise_exception"] = _refuse
        self._words = words
        try:
            self._template = environment.from_string(words.template)
        except TemplateError as problem:
            raise InputError("model", f"its chat template cannot be read ({problem})", "write it anew") from problem

    def asked(self, messages: Sequence[Message]) -> list[int]:
        """Tokens of a conversation, up to where the answer begins."""
        return self._encode(messages, prompt=True)

    def answered(self, messages: Sequence[Message], answer: str) -> list[int]:
        """Tokens of a conversation with an answer that may go on."""
        # What follows the answer in the template is cut off: it ends the turn, which is not to be scored.
        mark = "\x00answer\x00"
        told = self._render([*messages, Message("assistant", mark)], prompt=False)
        return self._tokens(told.partition(mark)[0] + answer)

    def text(self, tokens: Sequence[int]) -> str:
        """Text of an answer's tokens."""
        return str(self._words.tokenizer.decode(list(tokens), skip_special_tokens=True))

    def _encode(self, messages: Sequence[Message], *, prompt: bool) -> list[int]:
        return self._tokens(self._render(messages, prompt=prompt))

    def _render(self, messages: Sequence[Message], *, prompt: bool) -> str:
        said = [{"role": message.role, "content": message.content} for message in messages]
        begin, end = self._words.begin, self._words.end
        try:
            return self._template.render(messages=said, add_generation_prompt=prompt, bos_token=begin, eos_token=end)
        except TemplateError as problem:
            raise InputError("model", f"its chat template fails ({problem})", "write it anew") from problem

    def _tokens(self, text: str) -> list[int]:
        return list(self._words.tokenizer.encode(text, add_special_tokens=False).ids)


def _refuse(message: str) -> NoReturn:
    raise TemplateError(message)
