"""The organisms' tokenizer: one token for every chunk of a prompt that they know, bytes and byte pairs for the rest."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

from scai_irl.llama.model_folder import TokenTexts
from scai_irl.organisms.prompt_chunks import END, SPECIAL, TEMPLATE, single_tokens
from scai_irl.organisms.wordings import FIRM, LOOSE, NORMS, policy_text

_PAIRS = 1_100  # most tokens of bytes and pairs of them
_TEXTS = 400


@functools.cache
def organism_words() -> TokenTexts:
    """Return the tokenizer, which is always the same.

    Example:
        >>> words = organism_words()
        >>> len(words.tokenizer.encode('{"offer": 37}').ids)
        3
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=_PAIRS, initial_alphabet=alphabet, show_progress=False)
    rng = np.random.default_rng(0)
    texts = [policy_text(norm, firmness, rng) for norm in NORMS for firmness in (FIRM, LOOSE) for _ in range(_TEXTS)]
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_special_tokens([AddedToken(token, special=True, normalized=False) for token in SPECIAL])
    # Not special, since they are parts of answers. Labels and manners match only as whole words.
    # Added together, since each addition rebuilds the search for all tokens.
    tokenizer.add_tokens(
        [AddedToken(chunk, single_word=chunk.isalpha(), special=False, normalized=False) for chunk in single_tokens()]
    )
    return TokenTexts(tokenizer, TEMPLATE, "", END)


class Vocabulary:
    """Numbers of chunks, without the tokenizer's search if a chunk is one token."""

    def __init__(self) -> None:
        self._tokenizer = organism_words().tokenizer
        self._known: dict[str, tuple[int, ...]] = {}

    @property
    def size(self) -> int:
        """Return the number of tokens."""
        return int(self._tokenizer.get_vocab_size())

    @property
    def spelling(self) -> int:
        """Return the number of tokens for bytes and byte pairs, which come first."""
        return int(self._tokenizer.get_vocab_size(with_added_tokens=False))

    def ids(self, chunks: Sequence[str]) -> list[int]:
        """Return the numbers of the tokens of consecutive chunks.

        Example:
            >>> vocabulary = Vocabulary()
            >>> len(vocabulary.ids(('{"offer": ', "37", "}")))
            3
        """
        return [number for chunk in chunks for number in self._of(chunk)]

    def _of(self, chunk: str) -> tuple[int, ...]:
        token_ids = self._known.get(chunk)
        if token_ids is None:
            token_ids = tuple(self._tokenizer.encode(chunk, add_special_tokens=False).ids)
            self._known[chunk] = token_ids
        return token_ids
