"""Forms of answers as masks over tokens, by llguidance: of every next token, whether the form still allows it.

JSON is written as Python's ``json.dumps`` writes it, with a blank after comma and colon and no others, so that a model
has one way to write an answer, and not several that share its probability.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

import llguidance
import llguidance.numpy
import numpy as np
from jaxtyping import Int
from llguidance import LLMatcher, LLTokenizer

from scai_irl.llama.model_folder import TokenTexts
from scai_irl.lm.protocol import Structure

_JSON: Any = {"whitespace_flexible": False, "item_separator": ", ", "key_separator": ": "}
_UNFORCED = '%llguidance {"no_forcing": true}'
"""Where only one text can follow, any of its tokens may, and not only those that the tokenizer would make of it."""

_ALL = -1  # as an integer of 32 bits: every bit is set


class FormError(ValueError):
    """A form that cannot be kept to."""


class Forms:
    """Compiles forms for one model's tokens.

    Args:
        words: The model's tokenizer.
        vocabulary: Number of tokens that the model has logits for.
    """

    def __init__(self, words: TokenTexts, vocabulary: int) -> None:
        self.vocabulary = vocabulary
        self._tokens = LLTokenizer(words.tokenizer.to_str(), n_vocab=vocabulary, eos_token=words.end_id)
        self._end = words.end_id
        self._grammars: dict[str, str] = {}

    def matcher(self, structure: Structure) -> LLMatcher | None:
        """Begin an answer; None if it may be anything.

        Raises:
            FormError: If the form cannot be read.
        """
        if structure.kind == "text":
            return None
        asked = json.dumps([structure.kind, structure.value])
        if asked not in self._grammars:
            self._grammars[asked] = _grammar(structure.kind, structure.value)
        matcher = LLMatcher(self._tokens, self._grammars[asked])
        if matcher.is_error():
            raise FormError(f"a form that cannot be kept to: {matcher.get_error()}")
        return matcher

    def allows(self, matcher: LLMatcher, token: int) -> bool:
        """Return whether a token may come next: a hundred times quicker than asking about all."""
        return bool(matcher.is_accepting() if token == self._end else matcher.validate_tokens([token]))

    def masks(self, rows: int, matchers: Mapping[int, LLMatcher]) -> Int[np.ndarray, "row word"]:
        """Which tokens may come next, as bits of 32-bit words, lowest first; everything in rows without a matcher."""
        masks = np.full((rows, -(-self.vocabulary // 32)), _ALL, np.int32)
        for row, matcher in matchers.items():
            llguidance.numpy.fill_next_token_bitmask(matcher, masks, row)
        return masks


def _grammar(kind: str, value: Any) -> str:
    try:
        if kind == "json":
            return f"{_UNFORCED}\nstart: %json {json.dumps(value | {'x-guidance': _JSON})}"
        pattern = "|".join(re.escape(one) for one in value) if kind == "choice" else str(value)
        (made,) = json.loads(LLMatcher.grammar_from_regex(pattern))["grammars"]
        return f"{_UNFORCED}\n{made['lark_grammar']}"
    except ValueError as problem:
        raise FormError(f"a form that cannot be kept to: {problem}") from problem
