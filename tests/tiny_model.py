"""A language model small enough for tests: a Llama of random weights, with a tokenizer and a chat template of its own.

It knows nothing. Its next tokens are neither certain nor uniform, and its strings end.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

from scai_irl.llama.model_folder import Llama, TokenTexts, write_model
from scai_irl.llama.model_pass import Architecture, Weights, shapes

ROOT = Path(__file__).parents[1]
TEXTS = ("scai_irl/language/prompts/**/*.txt",)  # not the documents, since every edit would change the model
BEGIN, END, PAD = "<|begin|>", "<|end|>", "<|pad|>"
ROLES = ("<|system|>", "<|user|>", "<|assistant|>")
VOCABULARY = 1_000
POSITIONS = 8_192

CHAT_TEMPLATE = (
    "{{ bos_token }}"
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}{{ eos_token }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)

# Logits spread by about 2 nats, so that next tokens are neither certain nor uniform.
OUTPUT_SPREAD = 0.25
# Every embedding has the same large first coordinate, which makes the output's first row a bias by token. Quotation
# marks and the end of a turn get some of it. Otherwise JSON strings would hardly ever be closed.
CONSTANT = 4.0
ENDING_BIAS = 1.2


def make_tiny(folder: Path, width: int = 64, layers: int = 2) -> Path:
    """Write the model into a folder."""
    words = make_words()
    architecture = Architecture(
        vocabulary=words.tokenizer.get_vocab_size(),
        width=width,
        layers=layers,
        inner=2 * width,
        positions=POSITIONS,
        epsilon=1e-6,
        tied=False,
    )
    write_model(folder, Llama(architecture, draw(architecture, words), words))
    return folder


def make_words() -> TokenTexts:
    """Train byte-level BPE on the project's own texts, numbers and JSON."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[AddedToken(token, special=True) for token in (PAD, BEGIN, END, *ROLES)],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(training_texts(), trainer)
    return TokenTexts(tokenizer, CHAT_TEMPLATE, BEGIN, END)


def training_texts() -> list[str]:
    """Texts from which the tokenizer learns."""
    files = [file for pattern in TEXTS for file in sorted(ROOT.glob(pattern))]
    texts = [file.read_text(encoding="utf-8") for file in files]
    for number in range(101):
        answers = [{"offer": number}, {"accept": number % 2 == 0}, {"policy": f"give {number}"}]
        texts.append(" ".join([str(number), f"{number / 100:.2f}", *map(json.dumps, answers)]))
    return texts


def draw(architecture: Architecture, words: TokenTexts) -> Weights:
    """Draw the weights."""
    weights: Weights = {}
    for number, (name, shape) in enumerate(shapes(architecture).items()):
        if name.endswith("norm"):
            weights[name] = jnp.ones(shape)
            continue
        spread = {"embed": 1.0, "head": OUTPUT_SPREAD}.get(name, 1 / math.sqrt(architecture.width))
        key = jax.random.fold_in(jax.random.key(2023), number)
        weights[name] = spread * jax.random.normal(key, shape)
    weights["embed"] = weights["embed"].at[:, 0].set(CONSTANT)
    bias = np.zeros(architecture.vocabulary, np.float32)
    for token, number in words.tokenizer.get_vocab().items():
        if '"' in token or token == END:
            bias[number] = ENDING_BIAS
    weights["head"] = weights["head"].at[0].set(bias)
    return weights
