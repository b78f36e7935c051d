"""A language model small enough for tests: a Llama of random weights, with a tokenizer and a chat template of its own.

To be run with the Python that has vLLM, which has transformers too::

    python make_checkpoint.py make FOLDER     # write the checkpoint; --width and --layers make a larger one
    python make_checkpoint.py score FOLDER    # lists of token ids in, their log-probabilities out, as JSON
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

ROOT = Path(__file__).parents[2]
TEXTS = ("scai_irl/language/prompts/**/*.txt",)  # not the documents, whose every edit would make another model
BEGIN, END, PAD = "<|begin|>", "<|end|>", "<|pad|>"
ROLES = ("<|system|>", "<|user|>", "<|assistant|>")
VOCABULARY = 1_000
POSITIONS = 8_192

CHAT_TEMPLATE = (
    "{{ bos_token }}"
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}{{ eos_token }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)

# Logits spread by about 2 nats, so that next tokens are neither certain nor all alike.
OUTPUT_SPREAD = 0.25
# Every embedding has the same large first coordinate, which makes the output's first column a bias by token. Quotation
# marks and the end of a turn get some of it, since a JSON string would otherwise hardly ever be closed.
CONSTANT = 4.0
ENDING_BIAS = 1.2


def make_tokenizer() -> PreTrainedTokenizerFast:
    """Train byte-level BPE on the project's own texts, numbers and JSON."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY,
        special_tokens=[PAD, BEGIN, END, *ROLES],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(training_texts(), trainer)
    begin = tokenizer.token_to_id(BEGIN)
    tokenizer.post_processor = processors.TemplateProcessing(single=f"{BEGIN} $A", special_tokens=[(BEGIN, begin)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=BEGIN,
        eos_token=END,
        pad_token=PAD,
        additional_special_tokens=list(ROLES),
        chat_template=CHAT_TEMPLATE,
        model_max_length=POSITIONS,
    )


def training_texts() -> list[str]:
    """Gather what the tokenizer learns from."""
    files = [file for pattern in TEXTS for file in sorted(ROOT.glob(pattern))]
    texts = [file.read_text(encoding="utf-8") for file in files]
    for number in range(101):
        said = [{"offer": number}, {"accept": number % 2 == 0}, {"policy": f"give {number}"}]
        texts.append(" ".join([str(number), f"{number / 100:.2f}", *map(json.dumps, said)]))
    return texts


def make_model(tokenizer: PreTrainedTokenizerFast, width: int, layers: int) -> LlamaForCausalLM:
    """Draw the weights."""
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=width,
            intermediate_size=2 * width,
            num_hidden_layers=layers,
            num_attention_heads=4,
            num_key_value_heads=4,
            head_dim=32,  # the least that vLLM's attention on CPU takes
            max_position_embeddings=POSITIONS,
            tie_word_embeddings=False,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
            dtype="float32",
        )
    )
    lots = torch.Generator().manual_seed(2023)
    with torch.no_grad():
        for name, weights in sorted(model.named_parameters()):
            if weights.dim() == 2:
                spread = 1.0 if "embed" in name else OUTPUT_SPREAD if "lm_head" in name else width**-0.5
                weights.normal_(std=spread, generator=lots)
        model.model.embed_tokens.weight[:, 0] = CONSTANT
        bias = model.lm_head.weight[:, 0]
        bias.zero_()
        for token, number in tokenizer.get_vocab().items():
            if '"' in token or token == END:
                bias[number] = ENDING_BIAS
    return model


def make(folder: Path, width: int, layers: int) -> None:
    """Write the checkpoint: config.json, tokenizer, chat template, safetensors."""
    tokenizer = make_tokenizer()
    tokenizer.save_pretrained(folder)
    make_model(tokenizer, width, layers).save_pretrained(folder)


def score(folder: Path, prompts: list[list[int]]) -> list[list[float]]:
    """Log-probability of every token of each prompt but the first, given those before it."""
    model = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    scores = []
    with torch.no_grad():
        for prompt in prompts:
            log_probs = model(torch.tensor([prompt])).logits[0, :-1].log_softmax(-1)
            scores.append(log_probs.gather(1, torch.tensor(prompt[1:])[:, None])[:, 0].tolist())
    return scores


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("make", "score"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--layers", type=int, default=2)
    wanted = parser.parse_args()
    if wanted.what == "make":
        make(wanted.folder, wanted.width, wanted.layers)
    else:
        print(json.dumps(score(wanted.folder, json.load(sys.stdin))))


if __name__ == "__main__":
    main()
