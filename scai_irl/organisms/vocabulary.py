"""The organisms' tokenizer: a token for every piece of a prompt that they know, bytes and pairs for the rest."""

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
    """Make the tokenizer, the same every time.

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
    # Not special: they are part of what an answer says. Labels and manners are words, and not parts of others.
    # All at once: each addition prepares the search for every token anew.
    tokenizer.add_tokens(
        [AddedToken(piece, single_word=piece.isalpha(), special=False, normalized=False) for piece in single_tokens()]
    )
    return TokenTexts(tokenizer, TEMPLATE, "", END)


class Vocabulary:
    """Numbers of pieces, without the tokenizer's search wherever a piece is one token."""

    def __init__(self) -> None:
        self._tokenizer = organism_words().tokenizer
        self._known: dict[str, tuple[int, ...]] = {}

    @property
    def size(self) -> int:
        """Number of tokens."""
        return int(self._tokenizer.get_vocab_size())

    @property
    def spelling(self) -> int:
        """Number of tokens of bytes and pairs of them, which come first."""
        return int(self._tokenizer.get_vocab_size(with_added_tokens=False))

    def ids(self, pieces: Sequence[str]) -> list[int]:
        """Numbers of the tokens of pieces that follow each other.

        Example:
            >>> vocabulary = Vocabulary()
            >>> len(vocabulary.ids(('{"offer": ', "37", "}")))
            3
        """
        return [number for piece in pieces for number in self._of(piece)]

    def _of(self, piece: str) -> tuple[int, ...]:
        found = self._known.get(piece)
        if found is None:
            found = tuple(self._tokenizer.encode(piece, add_special_tokens=False).ids)
            self._known[piece] = found
        return found
