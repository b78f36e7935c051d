"""Seconds of vLLM with random weights, compared with the cost model for the same load on the same GPU.

``PYTHON -m benchmarks.engine_speed [--size 8B]``, where PYTHON has vLLM; on a GPU or, with ``--size small``, on a CPU.
Three loads of made-up prompts, no two of which begin alike: many that are only read, many that are read and answered,
and one alone that is answered at length. From them come the shares of the data sheet's arithmetic and bandwidth that
were reached, on which `benchmarks.cost_model.Assumed` rests. Nothing is downloaded: weights are random, and speed
does not depend on them. Steps of writing are replayed as graphs on a GPU, and nothing is compiled beyond that.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from tabulate import tabulate

from benchmarks.cost_model import MODELS, Assumed, Model, Tokens, model_seconds, token_seconds
from benchmarks.machine_limits import SHEETS, Sheet
from benchmarks.report import machine

VOCABULARY = 128_256


class Shape(NamedTuple):
    """Sizes of a Llama, by the names of its configuration file."""

    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    vocab_size: int


SHAPES = {
    "small": Shape(256, 1_024, 4, 4, 2, 64, 4_096),
    "8B": Shape(4_096, 14_336, 32, 32, 8, 128, VOCABULARY),
}
"""The larger one has the sizes of the Llama 3 model of 8 billion parameters (arXiv:2407.21783)."""


class Load(NamedTuple):
    """A load of several conversations at once.

    Attributes:
        what: Purpose of the load.
        number: Number of conversations.
        read: Tokens read in each.
        written: Tokens written in each.
    """

    what: str
    number: int
    read: int
    written: int

    @property
    def tokens(self) -> Tokens:
        """Return all tokens that are read and written."""
        return Tokens(self.number * self.read, self.number * self.written)


def loads(together: int) -> tuple[Load, ...]:
    """Return three loads: reading, a step of an experiment as in the cost model, and a single conversation."""
    return (
        Load("read", 2 * together, 560, 1),
        Load("read and answered", together, 560, 40),
        Load("one alone", 1, 560, 200),
    )


def write_configuration(folder: Path, shape: Shape) -> None:
    """Write the only file that vLLM needs for random weights."""
    sizes: dict[str, Any] = shape._asdict() | {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_act": "silu",
        "rms_norm_eps": 1e-5,
        "rope_theta": 500_000.0,
        "max_position_embeddings": 4_096,
        "tie_word_embeddings": False,
        "torch_dtype": "bfloat16",
        "bos_token_id": 1,
        "eos_token_id": 2,
    }
    (folder / "config.json").write_text(json.dumps(sizes), encoding="utf-8")


def engine(folder: Path, together: int, on_gpu: bool) -> Any:
    """Start an engine without a tokenizer that answers a number of conversations at a time."""
    from vllm import LLM  # noqa: PLC0415 - only its own Python has it, and it takes seconds

    of_device: dict[str, Any] = {
        "dtype": "float32",
        "enforce_eager": True,
        "enable_chunked_prefill": False,
        "gpu_memory_utilization": 0.3,  # of this machine's memory
    }
    if on_gpu:
        graphs = {"mode": 0, "cudagraph_mode": "FULL_DECODE_ONLY", "cudagraph_capture_sizes": [1, together]}
        of_device = {"dtype": "bfloat16", "compilation_config": graphs}
    return LLM(
        str(folder),
        load_format="dummy",
        skip_tokenizer_init=True,
        max_model_len=1_024,
        max_num_seqs=together,
        enable_prefix_caching=False,
        **of_device,
    )


def answering(llm: Any, load: Load, vocabulary: int) -> Callable[[], None]:
    """Return a function that answers a load, with new prompts each time and answers of full length."""
    from vllm import SamplingParams  # noqa: PLC0415 - as above

    sampling = SamplingParams(max_tokens=load.written, ignore_eos=True, detokenize=False)
    rng = np.random.default_rng(0)

    def answer() -> None:
        prompts = rng.integers(3, vocabulary, (load.number, load.read)).tolist()
        output = llm.generate([{"prompt_token_ids": ids} for ids in prompts], sampling, use_tqdm=False)
        assert all(len(one.outputs[0].token_ids) == load.written for one in output)

    return answer


def fastest(task: Callable[[], None], rounds: int) -> float:
    """Return the seconds of the fastest round, without the first."""
    task()
    spent = []
    for _ in range(rounds):
        began = time.perf_counter()
        task()
        spent.append(time.perf_counter() - began)
    return min(spent)


def reached(model: Model, sheet: Sheet, measured: dict[str, float], together: int) -> Assumed:
    """Compute the shares of the data sheet that a GPU reached: of arithmetic in reading, of bandwidth in writing.

    Args:
        model: The model.
        sheet: The card's.
        measured: Seconds of each load.
        together: Conversations at a time.

    Example:
        >>> tiny = Model("tiny", 1e9, layers=1, key_values=0, gpus=1)
        >>> sheet = Sheet(bandwidth=2e12, single=1.0, double=1.0, half=1e14, memory=1e11)
        >>> reached(tiny, sheet, {"read": 0.448, "read and answered": 0.304}, 10)
        Assumed(arithmetic=0.5, memory=0.5, together=10, length=580.0)
    """
    read, both, _ = loads(together)
    arithmetic = 2 * model.parameters * read.tokens.read / (sheet.half * measured[read.what])
    reading = 2 * model.parameters * both.tokens.read / (arithmetic * sheet.half)
    length = both.read + both.written / 2
    moved = both.written * (model.parameters * model.bytes + together * length * model.cache_of_token)
    memory = moved / sheet.bandwidth / (measured[both.what] - reading)
    return Assumed(round(arithmetic, 3), round(memory, 3), together, length)


def main() -> None:
    """Read the command line, measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.engine_speed", description=__doc__)
    parser.add_argument("--size", choices=SHAPES, default="8B")
    parser.add_argument("--together", type=int, default=256, help="conversations at a time")
    parser.add_argument("--rounds", type=int, default=3, help="rounds that count")
    options = parser.parse_args()
    os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
    import torch  # noqa: PLC0415 - comes with vLLM

    on_gpu = torch.cuda.is_available()
    device = torch.cuda.get_device_name() if on_gpu else "cpu"
    sheet = next((stated for word, stated in SHEETS.items() if word in device), None)
    model = next((known for known in MODELS if known.name == options.size), None)
    with tempfile.TemporaryDirectory() as folder:
        write_configuration(Path(folder), SHAPES[options.size])
        llm = engine(Path(folder), options.together, on_gpu)
        vocabulary = SHAPES[options.size].vocab_size
        measured = {
            load.what: fastest(answering(llm, load, vocabulary), options.rounds) for load in loads(options.together)
        }
    rows: list[list[Any]] = []
    for load in loads(options.together):
        row: list[Any] = [load.what, load.number, *load.tokens, measured[load.what], None, None]
        if model is not None and sheet is not None:
            as_loaded = Assumed(together=load.number, length=load.read + load.written / 2)
            row[-2] = model_seconds(model, sheet, 1, load.tokens, as_loaded)
            row[-1] = 100 * (row[-2] / row[-3] - 1)
        rows.append(row)
    headers = ["load", "conversations", "tokens read", "written", "measured s", "model s", "% off"]
    lines = [tabulate(rows, headers=headers, floatfmt=".3g", intfmt=",", missingval="-")]
    if model is not None and sheet is not None:
        results = reached(model, sheet, measured, options.together)
        alone = 1e3 * token_seconds(model, sheet, Assumed())
        lines += [
            f"reached: {100 * results.arithmetic:.1f} % of the data sheet's arithmetic in reading, "
            f"{100 * results.memory:.1f} % of its bandwidth in writing",
            f"one alone: {1e3 * measured['one alone'] / 200:.2f} ms a token with its prompt, predicted {alone:.2f} ms",
        ]
    import vllm  # noqa: PLC0415 - as above

    lines.append(
        f"vLLM {vllm.__version__}, {device}, batch invariance "
        f"{os.environ.get('VLLM_BATCH_INVARIANT', '0')}; {machine()}"
    )
    sys.stdout.write("\n".join([*lines, ""]))


if __name__ == "__main__":
    main()
