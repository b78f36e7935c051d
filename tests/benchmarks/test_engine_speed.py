"""Shares of the hardware's speed, computed from an engine's seconds; no test runs the engine, which needs vLLM."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.cost_model import MODELS, Assumed, model_seconds
from benchmarks.engine_speed import SHAPES, fastest, loads, reached, write_configuration
from benchmarks.machine_limits import SHEETS


@given(st.floats(0.6, 0.9), st.floats(0.05, 0.9), st.sampled_from([16, 256]))  # so that memory bounds the writing
def test_shares_are_recovered_from_seconds_that_the_model_predicts(
    arithmetic: float, memory: float, together: int
) -> None:
    sheet, model = SHEETS["H200"], MODELS[0]
    measured = {
        load.what: model_seconds(
            model, sheet, 1, load.tokens, Assumed(arithmetic, memory, load.number, load.read + load.written / 2)
        )
        for load in loads(together)
    }
    # The load that only reads also writes one token of each answer. The cost model counts reading apart from writing.
    measured["read"] = 2 * model.parameters * loads(together)[0].tokens.read / (arithmetic * sheet.half)
    shares = reached(model, sheet, measured, together)
    assert shares.arithmetic == pytest.approx(arithmetic, abs=1e-3)
    assert shares.memory == pytest.approx(memory, rel=0.02)


def test_the_configuration_has_the_parameters_of_its_name(tmp_path: Path) -> None:
    write_configuration(tmp_path, SHAPES["8B"])
    config = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    width, inner, layers = config["hidden_size"], config["intermediate_size"], config["num_hidden_layers"]
    keys = config["num_key_value_heads"] * config["head_dim"]
    of_layer = 2 * width * width + 2 * width * keys + 3 * width * inner + 2 * width
    parameters = layers * of_layer + 2 * config["vocab_size"] * width + width
    assert parameters == pytest.approx(MODELS[0].parameters, rel=0.01)
    assert MODELS[0].key_values == 2 * keys
    assert MODELS[0].layers == layers


def test_the_first_round_does_not_count() -> None:
    rounds: list[int] = []
    assert fastest(lambda: rounds.append(1), 3) < 1
    assert len(rounds) == 4
