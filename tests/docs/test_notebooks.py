"""Notebooks print what is stored in them, which is what the site shows."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import numpy as np
import pytest

from tests.docs.notebooks import NOTEBOOKS, executed, printed

SLOW = {"auditing_a_model"}
LARGEST = 80_000  # bytes; two figures

_NUMBER = re.compile(r"-?\d+\.\d+")


@pytest.mark.parametrize(
    "notebook",
    [pytest.param(file, marks=[pytest.mark.slow] * (file.stem in SLOW)) for file in NOTEBOOKS],
    ids=lambda file: file.stem,
)
def test_a_notebook_prints_what_is_stored_in_it(notebook: Path, tmp_path: Path) -> None:
    stored, now = (printed(nodes) for nodes in (nbformat.read(notebook, as_version=4), executed(notebook, tmp_path)))
    assert [_NUMBER.sub("#", text) for text in now] == [_NUMBER.sub("#", text) for text in stored]
    numbers, before = (np.array(_NUMBER.findall("".join(text)), float) for text in (now, stored))
    # Another machine adds in another order, and numbers are printed with two to four digits.
    np.testing.assert_allclose(numbers, before, atol=0.011)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda file: file.stem)
def test_what_is_stored_is_small_and_was_run_in_order(notebook: Path) -> None:
    assert notebook.stat().st_size < LARGEST
    cells = [cell for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert not any(output.output_type == "error" for cell in cells for output in cell.outputs)


def test_there_are_notebooks() -> None:
    assert {file.stem for file in NOTEBOOKS} == {"posterior_in_ten_lines", "auditing_a_model"}
