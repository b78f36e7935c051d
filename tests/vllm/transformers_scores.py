"""Log-probabilities by transformers, for comparison.

Run it with the Python that has vLLM, and so transformers::

    python transformers_scores.py FOLDER      # lists of token ids in, their log-probabilities out, as JSON
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from transformers import LlamaForCausalLM


def score(folder: Path, prompts: list[list[int]]) -> list[list[float]]:
    """Log-probability of every token of each prompt but the first, given those before it."""
    model = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    scores = []
    with torch.no_grad():
        for prompt in prompts:
            log_probs = model(torch.tensor([prompt])).logits[0, :-1].log_softmax(-1)
            scores.append(log_probs.gather(1, torch.tensor(prompt[1:])[:, None])[:, 0].tolist())
    return scores


if __name__ == "__main__":
    print(json.dumps(score(Path(sys.argv[1]), json.load(sys.stdin))))
