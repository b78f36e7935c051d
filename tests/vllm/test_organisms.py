"""Shipped organisms have the same log-probabilities in vLLM, in transformers and in this process."""

from __future__ import annotations

import json
import subprocess
from contextlib import closing

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from scai_irl.backends.registry import make_backend
from scai_irl.language.belief_requests import choose_request
from scai_irl.llama.conversation import Conversations
from scai_irl.llama.model_folder import read_model
from scai_irl.llama.model_pass import causal, logits, states
from scai_irl.lm.protocol import Request
from scai_irl.lm.settings import LmSettings
from scai_irl.organisms.shipped import organism_folder
from scai_irl.organisms.transcripts import draw_transcript
from scai_irl.organisms.world import WORLDS
from tests.vllm.conftest import SCORER
from tests.vllm.test_offline import offline


def belief_requests() -> list[Request]:
    rng = np.random.default_rng(5)
    transcripts = [draw_transcript(WORLDS["bayes"], rng) for _ in range(12)]
    return [choose_request(one.candidates, one.games, seed) for seed, one in enumerate(transcripts)]


def test_vllm_gives_labels_the_same_log_probabilities(vllm_python: str) -> None:
    requests = belief_requests()
    with closing(make_backend("embedded", LmSettings(model="bayes"))) as backend:
        own = [answer.label_log_probs for answer in backend.complete(requests)]
    _, answers = offline(vllm_python, organism_folder("bayes"), requests)
    for mine, other in zip(own, answers, strict=True):
        assert np.exp(mine) == pytest.approx(np.exp(other.label_log_probs), abs=1e-4)
        likely = np.array(mine) > np.log(1e-3)
        assert np.array(mine)[likely] == pytest.approx(np.array(other.label_log_probs)[likely], abs=1e-3)


def test_transformers_gives_tokens_the_same_log_probabilities(vllm_python: str) -> None:
    folder = organism_folder("bayes")
    model = read_model(folder)
    read = Conversations(model.words)
    for prompt in [read.prompt_tokens(request.messages) for request in belief_requests()[:4]]:
        done = subprocess.run(
            [vllm_python, SCORER, folder], input=json.dumps([prompt]), capture_output=True, text=True, check=True
        )
        architecture, where = model.architecture, jnp.arange(len(prompt))[None]
        read_at = states(model.weights, architecture, jnp.asarray([prompt]), where, causal(1, len(prompt)))
        log_probs = np.asarray(jax.nn.log_softmax(logits(model.weights, read_at)))[0, :-1]
        own = np.take_along_axis(log_probs, np.array(prompt)[1:, None], axis=1)[:, 0]
        # Tokens of a prompt were no training targets, so some are as unlikely as e to the -30.
        assert own == pytest.approx(json.loads(done.stdout)[0], abs=1e-4)
