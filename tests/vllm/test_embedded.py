"""The embedded backend, transformers and a vLLM server give the same log-probabilities for a folder."""

from __future__ import annotations

import json
import subprocess
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from scai_irl.backends.registry import make_backend
from scai_irl.backends.vllm.serving import RunningServer
from scai_irl.llama.model_folder import read_model
from scai_irl.llama.model_pass import causal, logits, states
from scai_irl.lm.protocol import Sampling, Structure
from scai_irl.lm.settings import LmSettings
from scai_irl.testing.backend_laws import requests, structured
from tests.vllm.conftest import SCORER


def test_log_probabilities_are_those_of_transformers(checkpoint: Path, vllm_python: str) -> None:
    model = read_model(checkpoint)
    prompts = np.random.default_rng(0).integers(0, model.architecture.vocabulary, (4, 300))
    done = subprocess.run(
        [vllm_python, SCORER, checkpoint],
        input=json.dumps(prompts.tolist()),
        capture_output=True,
        text=True,
        check=True,
    )
    positions = jnp.broadcast_to(jnp.arange(300), prompts.shape)
    outputs = logits(
        model.weights, states(model.weights, model.architecture, jnp.asarray(prompts), positions, causal(4, 300))
    )
    own = np.take_along_axis(np.asarray(jax.nn.log_softmax(outputs))[:, :-1], prompts[:, 1:, None], axis=2)[..., 0]
    assert own == pytest.approx(np.array(json.loads(done.stdout)), abs=1e-5)


def test_log_probabilities_are_those_of_a_vllm_server(server: RunningServer, checkpoint: Path) -> None:
    at_server = LmSettings(urls=(server.url,), api_key=server.api_key)
    labels = ("A", "fair", "fair, but rather selfish")
    labelled = [replace(request, labels=labels) for request in requests()]
    likely = replace(structured(1, Structure()), sampling=Sampling(0.0, 30, log_probs=0))
    with (
        closing(make_backend("embedded", LmSettings(model=str(checkpoint)))) as here,
        closing(make_backend("vllm-server", at_server)) as there,
    ):
        for own, other in zip(here.complete(labelled), there.complete(labelled), strict=True):
            assert own.label_log_probs == pytest.approx(other.label_log_probs, abs=1e-3)
        (own,), (other,) = here.complete([likely]), there.complete([likely])
    assert own.text == other.text
    assert len(own.tokens) == len(other.tokens)
    assert own.log_probs == pytest.approx(other.log_probs, abs=1e-3)
