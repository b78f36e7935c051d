"""Bands: means and their intervals are drawn at the right coordinates, also where some cells are empty."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from scai_irl.io.intervals import bootstrap_interval
from scai_irl.report.bands import Bands, bands_figure, with_interval

SHOWN = Bands("games", "gap", "service", "users", "held", "games", "gap", goal=0.05)


@pytest.fixture
def table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    lines = [
        {"users": users, "held": firmness, "service": service, "games": games, "gap": rng.random()}
        for users in ("a", "b")
        for firmness in ("firmly", "loosely")
        for service in ("one", "two")
        for games in (1, 8)
        for _ in range(5)
    ]
    complete = pd.DataFrame(lines)
    return complete[~((complete["users"] == "b") & (complete["held"] == "firmly") & (complete["service"] == "two"))]


def test_lines_are_means_and_bands_their_intervals(table: pd.DataFrame) -> None:
    figure = bands_figure(table, SHOWN)
    assert len(figure.axes) == 4
    first = figure.axes[0]
    cell = table[(table["users"] == "a") & (table["held"] == "firmly") & (table["service"] == "two")]
    by_label: dict[Any, Any] = {line.get_label(): line for line in first.lines}
    assert by_label["two"].get_xdata().tolist() == [0, 1]
    means = cell.groupby("games")["gap"].mean().to_numpy(float)
    np.testing.assert_allclose(by_label["two"].get_ydata(), means)
    low, high = bootstrap_interval(cell.loc[cell["games"] == 1, "gap"].to_numpy(float))
    corners = np.asarray(first.collections[1].get_paths()[0].vertices)
    at_first = np.unique(corners[corners[:, 0] == 0, 1].round(9))
    np.testing.assert_allclose(at_first, np.array([low, high]), atol=1e-8)
    assert [label.get_text() for label in figure.axes[2].get_xticklabels()] == ["1", "8"]
    assert len(figure.axes[1].lines) == 2  # one service and the goal
    assert figure.axes[0].get_ylim() == figure.axes[3].get_ylim()


def test_panels_may_have_axes_of_their_own(table: pd.DataFrame) -> None:
    table = table.assign(gap=table["gap"] * np.where(table["users"] == "b", 100, 1))
    figure = bands_figure(table, Bands("games", "gap", "service", "users", "held", "games", "gap", alike=False))
    assert figure.axes[0].get_ylim()[1] < 2 < figure.axes[3].get_ylim()[1]


def test_a_cell_without_numbers_is_a_dash() -> None:
    assert with_interval(pd.Series([np.nan, np.nan])) == "–"
