"""Counts by hand, and the tables of the benchmarks, on sizes that take no time."""

from __future__ import annotations

from time import perf_counter

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks import limits, machine_limits, scaling, streaming
from benchmarks.limits import Work, counted
from benchmarks.machine_limits import SHEETS, Limits
from inference import Nuts

MADE_UP = Limits("NVIDIA H200", 4e12, 8e12, 5e13, 3e13, SHEETS["H200"])


def test_xla_counts_the_body_of_a_loop_once_and_a_product_rightly() -> None:
    """Why tasks are counted by hand."""
    matrix = jnp.ones((64, 64))
    product, _ = counted(lambda a: a @ a, matrix)
    assert product == pytest.approx(2 * 64**3, rel=0.05)
    in_loop, _ = counted(lambda a: jax.lax.fori_loop(0, 100, lambda _, b: b @ a, a), matrix)
    assert in_loop < 10 * product


def test_exact_posteriors_are_counted_by_hand() -> None:
    work = limits.exact_posteriors(runs=20, plays=30, axis=5, rounds=1, clock=perf_counter)
    additions = 20 * 30 * 2 * 25
    assert work.number == 600
    assert work.cached == 8 * additions
    assert additions < work.flops < additions + 25 * (3 * 101 * 120 + 25 * 5_000 + 5 * 20)
    assert work.bytes > 8 * 20 * 30 + 8 * 20 * 25
    assert work.seconds > 0


@pytest.mark.slow
def test_gradients_of_nuts_are_those_it_says_it_took() -> None:
    method = Nuts(chains=2, warmup=5, draws=5)
    work = limits.nuts_posteriors(3, method, rounds=1, clock=perf_counter)
    assert 3 * 2 * 10 <= work.number <= 3 * 2 * 10 * (2**method.max_depth - 1)
    assert work.flops / work.number > 100  # operations of one gradient over 101 offers


def test_a_play_has_two_steps() -> None:
    work = limits.environment_steps(64, 3, rounds=1, clock=perf_counter)
    assert (work.number, work.bytes) == (2 * 64 * 3, 29 * 64 * 3)


def test_shares_are_of_measured_and_of_stated_limits() -> None:
    work = Work("sums", "sums", 10, 2.0, 3e13, 4e12, 16e12, (1.0, 2.0), "float64")
    assert limits.shares(work, MADE_UP) == {"arithmetic": 0.5, "memory": 0.5, "cache": 1.0}
    assert limits.stated_shares(work, MADE_UP) == pytest.approx([1.5e13 / 34e12, 2e12 / 4.8e12])
    assert limits.stated_shares(work, MADE_UP._replace(sheet=None)) == [None, None]
    shown = limits.table([work], MADE_UP)
    assert "cache" in shown.splitlines()[-1]
    assert "4.80 TB/s" in limits.described(MADE_UP)


def test_this_machine_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_limits, "_product", lambda size, dtype, clock: 2.0 * size)
    monkeypatch.setattr(machine_limits, "_copy", lambda length, clock: float(length))
    measured = machine_limits.measured_limits(small=True)
    assert measured.sheet is None
    assert measured.cache > 1e7
    assert measured.arithmetic("float64") == measured.double


def test_bandwidth_and_products_are_positive() -> None:
    assert machine_limits._copy(1 << 12, perf_counter) > 0
    assert machine_limits._product(32, np.float32, perf_counter) > 0


def test_points_held_out_do_not_enter_the_fit() -> None:
    rows = np.array([[1.0, 1.0], [1.0, 2.0], [1.0, 4.0], [1.0, 8.0]])
    seconds = rows @ np.array([1.0, 2.0])
    seconds[3] = 100.0
    table, coefficients = scaling.fit_table(
        rows, seconds, np.array([False, False, False, True]), [[n] for n in range(4)], ["point"]
    )
    np.testing.assert_allclose(coefficients, [1.0, 2.0], rtol=1e-9)
    assert "0 % of the points fitted, 83 % of those held out" in table


def test_the_grid_holds_out_what_lies_between_and_the_largest() -> None:
    for small in (True, False):
        sizes, held_out = scaling.exact_grid(small)
        largest = max(size.runs * size.hypotheses * size.plays for size in sizes)
        assert any(
            size.runs * size.hypotheses * size.plays == largest
            for size, out in zip(sizes, held_out, strict=True)
            if out
        )
        assert 4 < (~held_out).sum() > held_out.sum()


@pytest.mark.slow
def test_tokens_of_an_experiment_grow_with_its_runs() -> None:
    settings = {"users": ["fair"], "group": ["5v5"], "agents": ["thompson"], "epochs": 1}
    few, many = (scaling.tokens_of("one-group-norm", runs=runs, **settings) for runs in (1, 3))
    assert few.read > 0
    assert 2.5 < many.read / few.read < 3.5
    assert 2.5 < many.written / few.written < 3.5


def test_streamed_chunks_are_the_same_each_time() -> None:
    first, again = (list(streaming.chunks(50, 4, at_once=20)) for _ in range(2))
    assert [chunk.runs for chunk in first] == [20, 20, 10]
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.offer, other.offer)
    assert (first[0].offer != first[1].offer).any()
    assert streaming.peak() > 1
