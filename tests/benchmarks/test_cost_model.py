"""The cost model against plain counting, known limits and laws."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.cost_model import (
    MODELS,
    Assumed,
    Model,
    Size,
    Tokens,
    exact_seconds,
    fitted,
    model_seconds,
    relative_errors,
    terms,
    token_seconds,
)
from benchmarks.machine_limits import SHEETS

H200 = SHEETS["H200"]
EIGHT, SEVENTY = MODELS


def test_terms_count_what_a_loop_would_do() -> None:
    size = Size(runs=70, hypotheses=6, plays=4, stakes=3, at_once=32)
    tables = sums = stored = 0
    for first in range(0, size.runs, size.at_once):
        tables += sum(101 for _ in range(size.stakes) for _ in range(size.hypotheses))
        for _ in range(first, min(first + size.at_once, size.runs)):
            sums += size.hypotheses * size.plays
            stored += size.hypotheses
    assert terms(size).tolist() == [1, tables, sums, stored]


@given(st.lists(st.floats(1e-10, 1e-7), min_size=4, max_size=4))
def test_a_fit_finds_coefficients_without_noise(truth: list[float]) -> None:
    sizes = [Size(runs, k, plays) for runs in (512, 2_048, 65_536) for k in (128, 4_096) for plays in (1, 10, 50)]
    rows = np.array([terms(size) for size in sizes])
    start = np.array([1e6, 1, 1, 1]) * truth  # a start is of another order
    seconds = rows @ start
    np.testing.assert_allclose(rows @ fitted(rows, seconds), seconds, rtol=1e-6)
    np.testing.assert_allclose(relative_errors(rows, seconds, 1.1 * start), 0.1, rtol=1e-9)


def test_a_fit_weighs_relative_errors_and_gives_nothing_negative() -> None:
    rows = np.array([[1.0, 1.0], [1.0, 1_000.0], [1.0, 2_000.0]])
    seconds = rows @ np.array([5.0, 0.01])
    seconds[2] *= 1.01
    assert abs(relative_errors(rows, seconds, fitted(rows, seconds))).max() < 0.01
    falling = fitted(rows, np.array([3.0, 2.0, 1.0]))
    assert (falling >= 0).all()


def test_reading_is_bound_by_arithmetic() -> None:
    """2 N operations a token: 8e9 parameters, 1e9 tokens, 8 × 989e12 operations a second at 40 %."""
    seconds = model_seconds(EIGHT, H200, 8, Tokens(1e9, 0.0), Assumed(arithmetic=0.4))
    assert seconds == pytest.approx(2 * 8e9 * 1e9 / (8 * 989e12 * 0.4))


def test_one_conversation_alone_waits_for_all_weights() -> None:
    alone = Assumed(together=1, length=0.0, memory=1.0)
    assert model_seconds(EIGHT, H200, 1, Tokens(0.0, 1.0), alone) == pytest.approx(16e9 / 4.8e12)
    assert token_seconds(EIGHT, H200, alone) == pytest.approx(16e9 / 4.8e12)


def test_many_short_conversations_come_to_the_arithmetic_limit() -> None:
    crowd = Assumed(together=10**9, length=0.0)
    reading = model_seconds(SEVENTY, H200, 2, Tokens(1e6, 0.0), crowd)
    assert model_seconds(SEVENTY, H200, 2, Tokens(0.0, 1e6), crowd) == pytest.approx(reading)


def test_keys_and_values_are_read_by_each_conversation() -> None:
    """131 kB a token of the smaller model: 2 × 32 layers × 8 heads × 128 × 2 bytes."""
    assert EIGHT.cache_of_token == 2 * 32 * 8 * 128 * 2
    long, short = (
        model_seconds(EIGHT, H200, 1, Tokens(0.0, 1.0), Assumed(length=length, together=64, memory=1.0, arithmetic=1.0))
        for length in (10_000.0, 0.0)
    )
    assert long - short == pytest.approx(10_000 * EIGHT.cache_of_token / 4.8e12)


@given(
    copies=st.integers(1, 5),
    batches=st.integers(1, 4),
    together=st.integers(1, 64),
    steps=st.integers(1, 6),
    model=st.sampled_from(MODELS),
)
def test_seconds_are_those_of_copies_that_work_through_their_batches_step_by_step(
    copies: int, batches: int, together: int, steps: int, model: Model
) -> None:
    assumed = Assumed(together=together, length=300.0)
    rate, bandwidth = (share * model.gpus for share in (0.7 * H200.half, 0.53 * H200.bandwidth))
    clocks = [0.0] * copies
    for batch in range(copies * batches):
        mine = batch % copies
        clocks[mine] += sum(2 * model.parameters / rate for _ in range(together * 300))  # every token is read
        for _ in range(steps):
            moved = model.bytes * model.parameters + sum(300.0 * model.cache_of_token for _ in range(together))
            clocks[mine] += max(moved / bandwidth, together * 2 * model.parameters / rate)
    conversations = copies * batches * together
    tokens = Tokens(conversations * 300.0, conversations * float(steps))
    seconds = model_seconds(model, H200, copies * model.gpus, tokens, assumed)
    assert seconds == pytest.approx(max(clocks), rel=1e-9)


def test_sums_are_shared_among_gpus() -> None:
    size = Size(runs=10**6, hypotheses=10**4, plays=50)
    each = sum(8.0 * 2 * 10**4 * 50 for _ in range(10**6 // 8)) / (0.3 * H200.bandwidth)
    assert exact_seconds(size, H200, 8, 0.3) == pytest.approx(each)


def test_a_copy_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="70B does not fit on 1"):
        model_seconds(SEVENTY, H200, 1, Tokens(1.0, 1.0), Assumed())
    with pytest.raises(ValueError, match="does not fit on 1"):
        model_seconds(SEVENTY._replace(gpus=1), H200, 8, Tokens(1.0, 1.0), Assumed())
