"""Cells: every combination once, with stable and distinct names that suit a folder."""

from __future__ import annotations

import itertools
import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scai_irl.experiment.config import GroupGameConfig
from scai_irl.io.errors import InputError
from scai_irl.sweep.sweep_cells import cell_name, cells_of, known_experiment, uncounted
from scai_irl.sweep.sweep_definition import Sweep, read_sweep
from tests.docs.pages import ROOT, blocks

words = st.text(max_size=300)
values = st.one_of(st.integers(), st.floats(allow_nan=False), st.booleans(), words, st.lists(words, max_size=4))
varied = st.dictionaries(st.from_regex(r"[a-z][a-z_]{0,20}", fullmatch=True), values, max_size=5)


@given(varied, st.integers(0, 2**63))
def test_a_name_fits_any_folder_and_depends_on_nothing_else(varied: dict[str, object], seed: int) -> None:
    name = cell_name(varied, seed)
    assert re.fullmatch(r"[A-Za-z0-9._+=,~-]+", name)
    assert not name.startswith(".")
    assert len(os.fsencode(f".{name}.json.12345678.partial")) <= 255
    assert cell_name(dict(varied), seed) == name


@given(words, words)
def test_words_that_differ_make_names_that_differ(one: str, other: str) -> None:
    assert (cell_name({"a": one}, 0) == cell_name({"a": other}, 0)) == (one == other)


def test_there_is_a_cell_for_every_combination_with_every_seed_in_the_order_written() -> None:
    sweep = Sweep(
        experiment="one-group-norm",
        seeds={"first": 5, "count": 2},
        settings={"runs": 3},
        grid={"rationality": [5.0, 200.0], "agents": [["thompson"], ["map", "oracle"]]},
    )
    cells = cells_of(sweep, GroupGameConfig)
    expected = itertools.product([5.0, 200.0], [["thompson"], ["map", "oracle"]], [5, 6])
    assert [(cell.varied["rationality"], cell.varied["agents"], cell.seed) for cell in cells] == list(expected)
    assert all(cell.options == {"runs": 3, **cell.varied} for cell in cells)
    assert [cell.name for cell in cells][:3] == [
        "rationality=5.0,agents=thompson,seed=5",
        "rationality=5.0,agents=thompson,seed=6",
        "rationality=5.0,agents=map+oracle,seed=5",
    ]


def test_without_a_grid_seeds_alone_vary() -> None:
    assert [cell.name for cell in cells_of(Sweep(experiment="e", seeds=[4, 2]), GroupGameConfig)] == [
        "seed=4",
        "seed=2",
    ]


def test_values_whose_names_are_the_same_are_refused() -> None:
    sweep = Sweep(experiment="e", seeds=[0], grid={"url": [["a"]], "engine": [["a=1+b=2"], ["a=1", "b=2"]]})
    names = {cell.name for cell in cells_of(sweep, GroupGameConfig)}
    assert len(names) == 2  # digests distinguish them
    same = Sweep(experiment="e", seeds=[0], grid={"lapse": [0.5, "0.5"]})
    with pytest.raises(InputError, match="would give the same numbers as"):
        cells_of(same, GroupGameConfig)


def test_where_something_is_computed_is_no_part_of_a_sweep() -> None:
    plain = {"experiment": "e", "seeds": [1, 2], "settings": {"runs": 3}}
    fast = {**plain, "settings": {"runs": 3, "concurrency": 9}, "resources": {"cpus": 4, "retries": 0}}
    apart = uncounted(GroupGameConfig)
    assert Sweep.model_validate(plain).written(apart) == Sweep.model_validate(fast).written(apart)
    for other in ({"seeds": [2, 1]}, {"settings": {"runs": 4}}, {"grid": {"runs": [3]}}, {"figures": True}):
        assert Sweep.model_validate({**plain, **other}).written(apart) != Sweep.model_validate(plain).written(apart)


def test_sweeps_in_the_documentation_are_sweeps(tmp_path: Path) -> None:
    shown = [block for block in blocks(ROOT / "docs" / "cluster.md", "toml") if "seeds" in block.text]
    assert shown
    for block in shown:
        (tmp_path / "sweep.toml").write_text(block.text, encoding="utf-8")
        sweep = read_sweep(tmp_path / "sweep.toml")
        assert cells_of(sweep, known_experiment(sweep).config)
