"""Layered contracts: probabilities of conflicts are calibrated, and people comply with their bounds."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from envs.contracts import LAYERS
from envs.roles import binding_layer
from experiments.layered_contracts.model import ALL, PEOPLE, PREFERENCES, ROLES, LayeredContracts, serve_societies
from inference.structured.layers import LayerGrid

SMALL = LayerGrid(law=(0.0, 0.1, 0.2), floors=(0.0, 0.2, 0.4), targets=(0.0, 0.1, 0.3, 0.5, 0.9), lapse=0.3)


class WithGrid(LayeredContracts):
    """The experiment with the test's own layers."""

    layers: Any

    @property
    def grid(self) -> LayerGrid:
        """Possible layers."""
        layers: LayerGrid = self.layers
        return layers


PLAN = WithGrid(societies=60, people=3, roles=2, games=(1, 4), layers=SMALL, seed=2)


@pytest.fixture(scope="module")
def tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    return serve_societies(PLAN)


def deviations(values: pd.Series[float], cases: pd.DataFrame) -> float:
    """The mean over societies, in its standard errors."""
    of_societies = values.groupby(cases["society"]).mean().to_numpy(float)
    return float(of_societies.mean() * np.sqrt(len(of_societies)) / of_societies.std(ddof=1))


def test_a_layer_binds_as_often_as_it_is_believed_to(tables: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    _, conflicts = tables
    for games in PLAN.games:
        cases = conflicts[conflicts["games"] == games]
        for layer in LAYERS:
            stated = cases[f"p {layer}"]
            binds = (cases["binds"] == layer).astype(float)
            assert abs(deviations(stated - binds, cases)) < 3.5
            # A calibrated observer expects its own squared error.
            assert abs(deviations((stated - binds) ** 2 - stated * (1 - stated), cases)) < 3.5
    chances = conflicts[[f"p {layer}" for layer in LAYERS]]
    np.testing.assert_allclose(chances.sum(axis=1), 1, atol=1e-6)


def test_more_games_tell_more(tables: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    _, conflicts = tables
    right = (conflicts["binds"] == conflicts["named"]).groupby(conflicts["games"]).mean()
    assert right[4] > right[1] > 0.6
    assert (conflicts["binds"].value_counts() > 20).all()


def test_what_binds_is_what_the_layers_say(tables: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    _, conflicts = tables
    layers = (conflicts[name].to_numpy(float) for name in ("law", "floor", "target"))
    assert np.array(LAYERS)[binding_layer(*layers)].tolist() == conflicts["binds"].tolist()


def test_each_service_keeps_to_what_it_follows(tables: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    columns = ["law", "role", "satisfied", "satisfied_free"]
    done = tables[0].query("games == 4").groupby("service")[columns].mean().to_dict("index")
    assert min(done[ALL]["law"], done[ALL]["role"]) > 0.95
    assert done[ROLES]["satisfied_free"] < 0.5
    assert done[PREFERENCES]["satisfied_free"] > 0.8
    assert max(done[PREFERENCES]["law"], done[PREFERENCES]["role"]) < 0.85
    assert done[ALL]["satisfied"] > max(done[PREFERENCES]["satisfied"], done[ROLES]["satisfied"]) + 0.1
    assert done[ALL]["satisfied"] > done[PEOPLE]["satisfied"]  # people slip


def test_people_keep_to_bounds_as_often_as_slips_let_them() -> None:
    """Firm people obey bounds except in lapses, which fall on any share, within bounds or not."""
    grid = LayerGrid(law=(0.2,), floors=(0.0,), targets=(0.5,), rationality=200.0, lapse=0.3)
    done, _ = serve_societies(WithGrid(societies=1, people=1, roles=1, games=(1,), layers=grid))
    people = done[done["service"] == PEOPLE].iloc[0]
    stakes = np.array([20, 40, 60, 80, 100])
    inside = np.mean([np.mean((np.arange(n + 1) >= 0.2 * n) & (np.arange(n + 1) <= 0.8 * n)) for n in stakes])
    assert people["law"] == pytest.approx(0.7 + 0.3 * inside, abs=1e-3)
    assert people["role"] == pytest.approx(1.0, abs=1e-5)
    assert jnp.isfinite(people["satisfied"])


def test_the_same_plan_gives_the_same_tables() -> None:
    plan = WithGrid(societies=2, people=2, roles=2, games=(2,), layers=SMALL)
    for one, other in zip(serve_societies(plan), serve_societies(plan), strict=True):
        pd.testing.assert_frame_equal(one, other)
