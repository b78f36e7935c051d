"""Forms of answers as masks over tokens, by llguidance: the mask shows the next tokens that the form allows.

JSON has the whitespace of Python's ``json.dumps``: a blank after comma and colon, and no other. So there is only one
way to write an answer, and its probability is not split over several.
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
"""If only one text can follow, any tokens that spell it are allowed, not only the tokenizer's own."""

_ALL = -1  # a 32-bit integer with all bits set


class FormError(ValueError):
    """Error: a form cannot be enforced."""


class Forms:
    """Compiler of forms for one model's tokens.

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
        """Return a matcher for a new answer; None if the answer is free.

        Raises:
            FormError: If the form cannot be read.
        """
        if structure.kind == "text":
            return None
        begun = json.dumps([structure.kind, structure.value])
        if begun not in self._grammars:
            self._grammars[begun] = _grammar(structure.kind, structure.value)
        matcher = LLMatcher(self._tokens, self._grammars[begun])
        if matcher.is_error():
            raise FormError(f"a form that cannot be kept to: {matcher.get_error()}")
        return matcher

    def allows(self, matcher: LLMatcher, token: int) -> bool:
        """Return whether a token may come next; a hundred times faster than a mask over all tokens."""
        return bool(matcher.is_accepting() if token == self._end else matcher.validate_tokens([token]))

    def masks(self, rows: int, matchers: Mapping[int, LLMatcher]) -> Int[np.ndarray, "row word"]:
        """Return the allowed next tokens as bits of 32-bit words, lowest first; all tokens for rows without matcher."""
        masks = np.full((rows, -(-self.vocabulary // 32)), _ALL, np.int32)
        for row, matcher in matchers.items():
            llguidance.numpy.fill_next_token_bitmask(matcher, masks, row)
        return masks


def _grammar(kind: str, value: Any) -> str:
    try:
        if kind == "json":
            return f"{_UNFORCED}\nstart: %json {json.dumps(value | {'x-guidance': _JSON})}"
        pattern = "|".join(re.escape(one) for one in value) if kind == "choice" else str(value)
        (grammar,) = json.loads(LLMatcher.grammar_from_regex(pattern))["grammars"]
        return f"{_UNFORCED}\n{grammar['lark_grammar']}"
    except ValueError as problem:
        raise FormError(f"a form that cannot be kept to: {problem}") from problem
