"""A real vLLM server: functions that experiments need, the model's log-probabilities, and a clean end."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from scai_irl.backends.vllm.serving import RunningServer, ServerOptions, running_server
from scai_irl.cli.serve import KEY_VARIABLE
from scai_irl.io.errors import InputError
from tests.vllm.conftest import SCORER
from tests.vllm.processes import group, led_by, listened_at
from tests.vllm.talk import answer, send

MESSAGES = [
    {"role": "system", "content": "You divide things with another person."},
    {"role": "user", "content": 'The stake is 10. Answer with JSON: {"offer": N}.'},
]
OFFER = {
    "type": "object",
    "properties": {"offer": {"type": "integer", "minimum": 0, "maximum": 10}},
    "required": ["offer"],
    "additionalProperties": False,
}
PATIENCE = 180.0


def chat(server: RunningServer, **settings: Any) -> Any:
    """First choice of a chat, by default sampled at temperature 1."""
    body = {"messages": MESSAGES, "max_tokens": 24, "temperature": 1.0, "seed": 1} | settings
    return answer(server, "/v1/chat/completions", body)["choices"][0]


def content(server: RunningServer, **settings: Any) -> str:
    return str(chat(server, **settings)["message"]["content"])


def tokens_of(server: RunningServer, **settings: Any) -> list[int]:
    tokens: list[int] = answer(server, "/tokenize", {"messages": MESSAGES} | settings)["tokens"]
    return tokens


def score(server: RunningServer, prompt: list[int]) -> list[float]:
    """Log-probability of each token of a prompt but the first."""
    body = {"prompt": prompt, "max_tokens": 1, "temperature": 0, "prompt_logprobs": 0}
    scored = answer(server, "/v1/completions", body)["choices"][0]["prompt_logprobs"]
    assert scored[0] is None
    return [scored[place][str(prompt[place])]["logprob"] for place in range(1, len(prompt))]


def test_it_is_well_and_names_its_model(server: RunningServer) -> None:
    assert server.alive
    server.check()
    assert send(server, "/health") == (200, None)
    status, models = send(server, "/v1/models")
    assert status == 200
    assert [(model["id"], model["max_model_len"]) for model in models["data"]] == [(server.model, 8_192)]
    assert server.model == "tiny"


@pytest.mark.parametrize("key", ["", "another"])
def test_it_wants_its_key(server: RunningServer, key: str) -> None:
    assert send(server, "/v1/models", key=key)[0] == 401
    assert send(server, "/v1/chat/completions", {"messages": MESSAGES}, key=key)[0] == 401


def test_its_key_is_nowhere_to_be_read(server: RunningServer) -> None:
    assert server.api_key not in repr(server)
    assert server.api_key not in server.log.read_text(encoding="utf-8")
    for member in group(server.pid):
        assert server.api_key.encode() not in Path(f"/proc/{member}/cmdline").read_bytes()


def test_only_this_machine_reaches_it(server: RunningServer) -> None:
    members = group(server.pid)
    assert len(members) > 1
    assert listened_at(members) == {"0100007F"}  # 127.0.0.1


def test_answers_have_the_structure_asked_for(server: RunningServer) -> None:
    for seed in range(5):
        text = content(server, seed=seed, structured_outputs={"json": OFFER})
        assert 0 <= json.loads(text)["offer"] <= 10
        assert re.search(r"\s", text) is None
        assert content(server, seed=seed, structured_outputs={"choice": ["accept", "reject"]}) in {"accept", "reject"}
        assert re.fullmatch(
            "(yes|no)[0-9]{3}", content(server, seed=seed, structured_outputs={"regex": "(yes|no)[0-9]{3}"})
        )


def test_a_structure_that_cannot_be_is_refused(server: RunningServer) -> None:
    structures: list[dict[str, Any]] = [{"json": {"type": "strnig"}}, {"regex": "("}, {"choice": []}]
    for structure in structures:
        assert send(server, "/v1/chat/completions", {"messages": MESSAGES, "structured_outputs": structure})[0] == 400
    assert server.alive


def test_a_seed_fixes_the_answer_whatever_else_is_asked_at_once(server: RunningServer) -> None:
    alone = [content(server, seed=seed) for seed in range(16)]
    with ThreadPoolExecutor(16) as threads:
        together = list(threads.map(lambda seed: content(server, seed=seed), range(16)))
    assert together == alone
    assert len(set(alone)) == 16


def test_seeds_of_63_bits_are_taken(server: RunningServer) -> None:
    highest = 2**63 - 1
    assert content(server, seed=highest) == content(server, seed=highest)
    assert send(server, "/v1/chat/completions", {"messages": MESSAGES, "seed": highest + 1})[0] == 400


def test_on_cpu_only_the_lower_32_bits_of_a_seed_count(server: RunningServer) -> None:
    # Torch's generator for CPU uses no more. Code that derives seeds must make these bits differ.
    if server.platform.device != "cpu":
        pytest.skip("generators of GPUs take all bits")
    assert content(server, seed=7) == content(server, seed=7 + 2**32) != content(server, seed=8)


def test_more_long_prompts_with_seeds_than_one_step_takes_are_answered(server: RunningServer) -> None:
    # On CPU the engine of vLLM 0.32 crashes here if prompts are read in chunks.
    def long(seed: int) -> str:
        return content(server, messages=[{"role": "user", "content": f"{seed} " * 1_500}], seed=seed, max_tokens=2)

    with ThreadPoolExecutor(16) as threads:
        assert len(list(threads.map(long, range(16)))) == 16
    assert server.alive


def test_log_probabilities_do_not_depend_on_the_temperature(server: RunningServer) -> None:
    cold, hot = (chat(server, temperature=t, logprobs=True, top_logprobs=20, max_tokens=1) for t in (0.5, 2.0))
    first, other = (
        {entry["token"]: entry["logprob"] for entry in choice["logprobs"]["content"][0]["top_logprobs"]}
        for choice in (cold, hot)
    )
    best = sorted(first, key=first.__getitem__)[-5:]
    assert [first[token] for token in best] == pytest.approx([other[token] for token in best], abs=1e-5)


def test_log_probabilities_of_a_structured_answer_are_among_what_the_structure_allows(server: RunningServer) -> None:
    # They are not the model's own: tokens that begin neither answer have probability 0, and the others sum to 1.
    structure = {"choice": ["yes", "no"]}
    first = chat(server, structured_outputs=structure, logprobs=True, top_logprobs=20)["logprobs"]["content"][0]
    allowed = [math.e ** entry["logprob"] for entry in first["top_logprobs"] if entry["logprob"] > -1_000]
    assert sum(allowed) == pytest.approx(1, abs=1e-4)
    assert len(allowed) < 10


def test_log_probabilities_are_those_of_transformers(server: RunningServer, checkpoint: Path, vllm_python: str) -> None:
    conversation = tokens_of(server, add_generation_prompt=True)
    prompts = [conversation, conversation[:2], [*conversation, 300, 301, 17], list(range(900, 100, -1))]
    done = subprocess.run(
        [vllm_python, SCORER, checkpoint], input=json.dumps(prompts), capture_output=True, text=True, check=True
    )
    for prompt, expected in zip(prompts, json.loads(done.stdout), strict=True):
        assert score(server, prompt) == pytest.approx(expected, abs=1e-4)
    assert min(map(min, json.loads(done.stdout))) < -9  # neither certain …
    assert max(map(max, json.loads(done.stdout))) > -5  # … nor uniform, which would be -6.9


def test_echo_scores_a_prompt_without_an_answer(server: RunningServer) -> None:
    prompt = tokens_of(server)
    body = {"prompt": prompt, "max_tokens": 0, "echo": True, "logprobs": 0}
    log_probs = answer(server, "/v1/completions", body)["choices"][0]["logprobs"]["token_logprobs"]
    assert log_probs[0] is None
    assert log_probs[1:] == pytest.approx(score(server, prompt), abs=1e-5)


def test_a_conversation_becomes_tokens_by_the_chat_template(server: RunningServer) -> None:
    prompt = tokens_of(server, add_generation_prompt=True)
    text = "".join(f"<|{message['role']}|>{message['content']}<|end|>" for message in MESSAGES)
    assert answer(server, "/detokenize", {"tokens": prompt})["prompt"] == f"<|begin|>{text}<|assistant|>"
    assert tokens_of(server, add_generation_prompt=False) == prompt[:-1]
    used = answer(server, "/v1/chat/completions", {"messages": MESSAGES, "max_tokens": 1, "return_token_ids": True})
    assert used["prompt_token_ids"] == prompt


def test_an_answer_can_be_begun_for_the_model(server: RunningServer) -> None:
    begun = {"messages": [*MESSAGES, {"role": "assistant", "content": '{"offer": '}]}
    how = {"add_generation_prompt": False, "continue_final_message": True}
    prompt = tokens_of(server, **begun, **how)
    assert answer(server, "/detokenize", {"tokens": prompt})["prompt"].endswith('<|assistant|>{"offer": ')
    body = {"max_tokens": 4, "temperature": 1, "seed": 3}
    continuation = answer(server, "/v1/chat/completions", begun | how | body)["choices"][0]["message"]["content"]
    assert continuation == answer(server, "/v1/completions", {"prompt": prompt} | body)["choices"][0]["text"]


def test_a_server_that_cannot_start_says_why(server_options: ServerOptions, tmp_path: Path) -> None:
    options = dataclasses.replace(server_options, max_model_len=99_999)
    with (
        pytest.raises(InputError, match="greater than the derived max_model_len"),
        running_server(options, log=tmp_path / "log"),
    ):
        pass


@pytest.mark.parametrize(
    ("how", "moment"),
    [(signal.SIGINT, "ready"), (signal.SIGTERM, "EngineCore pid"), (signal.SIGKILL, "ready")],
    ids=["Ctrl-C when ready", "SIGTERM while it starts", "SIGKILL when ready"],
)
def test_no_process_of_the_server_outlives_ours(
    how: signal.Signals, moment: str, server_options: ServerOptions, tmp_path: Path
) -> None:
    log, key, name = tmp_path / "vllm.log", tmp_path / "key", f"outlived-{how.name}"
    words = (
        f"Serve({server_options.model!r}, name={name!r}, port=0, key_file=Path({str(key)!r}), log=Path({str(log)!r}))"
    )
    program = f"from pathlib import Path; from scai_irl.cli.serve import Serve, serve; serve({words})"
    environment = os.environ | {"SCAI_IRL_VLLM_PYTHON": server_options.python}
    environment.pop(KEY_VARIABLE, None)
    nowhere = subprocess.DEVNULL
    with subprocess.Popen([sys.executable, "-c", program], env=environment, stdout=nowhere, stderr=nowhere) as process:
        begun: Callable[[], bool] = (
            key.exists if moment == "ready" else lambda: log.exists() and moment in log.read_text()
        )
        _wait_for(begun, process)
        leader = led_by(name)
        assert leader is not None
        if moment == "ready":
            assert key.stat().st_mode & 0o777 == 0o600
        process.send_signal(how)
        code = process.wait(timeout=60)
    assert code == {signal.SIGINT: 0, signal.SIGTERM: 130, signal.SIGKILL: -9}[how]
    if how == signal.SIGKILL:
        _wait_for(lambda: not group(leader))
    assert group(leader) == []
    assert how == signal.SIGKILL or not key.exists()


def _wait_for(event: Callable[[], bool], process: subprocess.Popen[bytes] | None = None) -> None:
    deadline = time.monotonic() + PATIENCE
    while not event():
        assert process is None or process.poll() is None, "it ended before"
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.1)
