"""Model folders in the format of Hugging Face's transformers and vLLM, without pickle and without code.

``config.json`` has the architecture, ``model.safetensors`` the weights, ``tokenizer.json`` and
``tokenizer_config.json`` the tokenizer, ``chat_template.jinja`` the template of conversations.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save
from tokenizers import Tokenizer

from scai_irl.io.errors import InputError
from scai_irl.io.files import write_bytes, write_json, write_text
from scai_irl.llama.model_pass import Architecture, Weights, shapes

CONFIG, WEIGHTS = "config.json", "model.safetensors"
TOKENIZER, TOKENIZER_CONFIG, TEMPLATE = "tokenizer.json", "tokenizer_config.json", "chat_template.jinja"
FILES = (CONFIG, WEIGHTS, TOKENIZER, TOKENIZER_CONFIG, TEMPLATE)
"""Everything that a model's folder has."""

_NAMES = {
    "attention_norm": "input_layernorm",
    "query": "self_attn.q_proj",
    "key": "self_attn.k_proj",
    "value": "self_attn.v_proj",
    "out": "self_attn.o_proj",
    "feed_norm": "post_attention_layernorm",
    "gate": "mlp.gate_proj",
    "up": "mlp.up_proj",
    "down": "mlp.down_proj",
}
_OUTER = {"embed": "model.embed_tokens.weight", "norm": "model.norm.weight", "head": "lm_head.weight"}


@dataclass(frozen=True)
class TokenTexts:
    """Tokenizer and chat template of a model.

    Attributes:
        tokenizer: The tokenizer.
        template: Jinja template of conversations.
        begin: Token that begins a text, as text; empty if none does.
        end: Token that ends an answer, as text.
    """

    tokenizer: Tokenizer
    template: str
    begin: str
    end: str

    @property
    def end_id(self) -> int:
        """Return the number of the token that ends an answer.

        Raises:
            ValueError: If the tokenizer has no such token.
        """
        number = self.tokenizer.token_to_id(self.end)
        if number is None:
            raise ValueError(f"the tokenizer has no token {self.end!r}")
        return number


@dataclass(frozen=True)
class Llama:
    """A model with the content of its folder.

    Attributes:
        architecture: Its sizes.
        weights: Its weights, in single precision.
        words: Its tokenizer.
    """

    architecture: Architecture
    weights: Weights
    words: TokenTexts


def write_model(folder: Path, model: Llama, *, half: bool = False) -> None:
    """Write a model; the folder may exist.

    Args:
        folder: Folder to write.
        model: The model.
        half: Whether weights are stored in half precision; readers compute in single precision in any case.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer, words = model.words.tokenizer, model.words
    special = {"bos_token": words.begin, "eos_token": words.end, "pad_token": words.end}
    config = _config(model.architecture)
    if words.begin:
        config["bos_token_id"] = tokenizer.token_to_id(words.begin)
    config |= {"eos_token_id": words.end_id, "pad_token_id": words.end_id}
    write_json(folder / CONFIG, config)
    write_text(folder / TOKENIZER, tokenizer.to_str(pretty=True))
    tokenizer_config = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": model.architecture.positions}
    tokenizer_config |= {name: token for name, token in special.items() if token}
    write_json(folder / TOKENIZER_CONFIG, tokenizer_config)
    write_text(folder / TEMPLATE, words.template)
    stored = {name: rounded(values) if half else values for name, values in to_names(model.weights).items()}
    write_bytes(folder / WEIGHTS, save(stored, metadata={"format": "pt"}))


def read_model(folder: Path) -> Llama:
    """Read a model.

    Raises:
        InputError: If a file is missing or cannot be read, or the model is not a plain Llama.
    """
    for name in (CONFIG, WEIGHTS, TOKENIZER, TOKENIZER_CONFIG, TEMPLATE):
        if not (folder / name).is_file():
            raise InputError("model", f"{folder} has no {name}", "give the folder of a model, as written by training")
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
        tokenizer_config = json.loads((folder / TOKENIZER_CONFIG).read_text(encoding="utf-8"))
        architecture = _architecture(config)
        weights = from_names(load_file(folder / WEIGHTS), architecture)
        tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
        template = (folder / TEMPLATE).read_text(encoding="utf-8")
        words = TokenTexts(
            tokenizer, template, _token(tokenizer_config, "bos_token"), _token(tokenizer_config, "eos_token")
        )
        words.end_id  # noqa: B018 - it must exist
    except InputError:
        raise
    except Exception as problem:  # the tokenizer's library raises no narrower error
        if not isinstance(problem, (OSError, ValueError, LookupError, TypeError, SafetensorError)):
            problem = ValueError(str(problem))
        raise InputError("model", f"{folder} cannot be read ({problem})", "write or copy it anew") from problem
    return Llama(architecture, weights, words)


def rounded(values: np.ndarray) -> np.ndarray:
    """Round to half precision.

    Raises:
        ValueError: If a value is too large for it.
    """
    half = values.astype(np.float16)
    if not np.isfinite(half).all():
        raise ValueError("a weight is too large for half precision, or no number; keep single precision")
    return half


def to_names(weights: Weights) -> dict[str, np.ndarray]:
    """Convert weights to the common format: one array a layer, and matrices with outputs first."""
    converted = {}
    for name, values in weights.items():
        array = np.asarray(values)
        if name in _OUTER:
            converted[_OUTER[name]] = array.T if name == "head" else array
            continue
        for layer, own in enumerate(array):
            converted[f"model.layers.{layer}.{_NAMES[name]}.weight"] = own.T if own.ndim == 2 else own
    return {name: np.ascontiguousarray(array) for name, array in converted.items()}


def from_names(arrays: Mapping[str, np.ndarray], architecture: Architecture) -> Weights:
    """Convert arrays of the common format to stacked weights in single precision.

    Raises:
        ValueError: If an array is missing, or its shape does not fit the architecture.
    """
    weights = {}
    for name, shape in shapes(architecture).items():
        if name in _OUTER:
            array = arrays[_OUTER[name]]
            array = array.T if name == "head" else array
        else:
            layers = [arrays[f"model.layers.{layer}.{_NAMES[name]}.weight"] for layer in range(architecture.layers)]
            array = np.stack([own.T if own.ndim == 2 else own for own in layers])
        if array.shape != shape:
            raise ValueError(f"{name} has the shape {array.shape} and should have {shape}")
        weights[name] = jnp.asarray(array, jnp.float32)
    return weights


def _config(architecture: Architecture) -> dict[str, Any]:
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": architecture.vocabulary,
        "hidden_size": architecture.width,
        "num_hidden_layers": architecture.layers,
        "num_attention_heads": architecture.heads,
        "num_key_value_heads": architecture.key_heads,
        "head_dim": architecture.head_width,
        "intermediate_size": architecture.inner,
        "max_position_embeddings": architecture.positions,
        "rope_theta": architecture.rope_base,
        "rms_norm_eps": architecture.epsilon,
        "tie_word_embeddings": architecture.tied,
        "hidden_act": "silu",
        "attention_bias": False,
        "mlp_bias": False,
        "dtype": "float32",
    }


def _architecture(config: Mapping[str, Any]) -> Architecture:
    turning = config.get("rope_parameters") or config.get("rope_scaling") or {}
    plain = config["model_type"] == "llama" and config.get("hidden_act", "silu") == "silu"
    if not plain or config.get("attention_bias") or turning.get("rope_type", "default") != "default":
        raise InputError("model", "it is no plain Llama", "serve it with vLLM: scai-irl serve")
    heads = int(config["num_attention_heads"])
    return Architecture(
        vocabulary=int(config["vocab_size"]),
        width=int(config["hidden_size"]),
        layers=int(config["num_hidden_layers"]),
        heads=heads,
        key_heads=int(config.get("num_key_value_heads", heads)),
        head_width=int(config.get("head_dim") or config["hidden_size"] // heads),
        inner=int(config["intermediate_size"]),
        positions=int(config["max_position_embeddings"]),
        rope_base=float(turning.get("rope_theta", config.get("rope_theta", 10_000.0))),
        epsilon=float(config["rms_norm_eps"]),
        tied=bool(config.get("tie_word_embeddings", False)),
    )


def _token(tokenizer_config: Mapping[str, Any], name: str) -> str:
    token = tokenizer_config.get(name) or ""
    return str(token["content"] if isinstance(token, Mapping) else token)
