"""Answers of vLLM in process, by the Python that has it: requests in, completions out, as JSON.

python offline_answers.py CHECKPOINT < requests > completions
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from scai_irl.backends.registry import make_backend
from scai_irl.lm.protocol import Message, Request, Sampling, Structure
from scai_irl.lm.settings import LmSettings


def request(fields: dict[str, Any]) -> Request:
    """Make a request from the result of `dataclasses.asdict`."""
    messages = tuple(Message(**message) for message in fields["messages"])
    structure = Structure(**fields["structure"])
    return Request(messages, fields["seed"], Sampling(**fields["sampling"]), structure, tuple(fields["labels"]))


def main() -> None:
    """Answer the requests on standard input."""
    folder = Path(sys.argv[1])
    holds = json.loads((folder / "config.json").read_text(encoding="utf-8"))["max_position_embeddings"]
    engine = {"max_model_len": min(8_192, holds), "max_num_seqs": 64}
    backend = make_backend("vllm-offline", LmSettings(str(folder), engine=engine))
    answers = backend.complete([request(fields) for fields in json.load(sys.stdin)])
    print(json.dumps({"model": backend.model, "answers": [asdict(answer) for answer in answers]}))
    backend.close()


if __name__ == "__main__":
    main()
