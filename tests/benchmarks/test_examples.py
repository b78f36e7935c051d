"""Examples in the benchmarks' docstrings, which no other test runs."""

from __future__ import annotations

import doctest
from types import ModuleType

import pytest

from benchmarks import cost_model, engine_speed, limits


@pytest.mark.parametrize("module", [cost_model, engine_speed, limits], ids=lambda module: module.__name__)
def test_examples_are_as_they_say(module: ModuleType) -> None:
    results = doctest.testmod(module)
    assert results.attempted > 0
    assert results.failed == 0
