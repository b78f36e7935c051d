"""Societies vary as their description says, and play by their norms."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments.currency_suite.variation import WAYS, play, rows_of_societies
from inference import CesAltruism, Hierarchical, evidence

PLACES = (0.0, 0.5, 2.0)
BASE = CesAltruism().fix(substitution=0.0, rationality=100.0, lapse=0.02)
FAMILY = Hierarchical(base=BASE, rows=3, places=PLACES, spread=1.0)


def rows(way: str, societies: int = 4_000) -> np.ndarray:
    return np.asarray(rows_of_societies(jax.random.key(0), FAMILY, way, societies, change=1.0))[..., 0]


@pytest.mark.parametrize("way", WAYS)
def test_every_currency_by_itself_may_have_any_norm(way: str) -> None:
    values = rows(way)
    assert values.shape == (4_000, 3)
    np.testing.assert_allclose(values.mean(axis=0), 0.0, atol=0.08)
    assert (values.std(axis=0) > 0.9).all()


def test_currencies_are_as_alike_as_the_way_of_variation_says() -> None:
    near, far = (np.corrcoef(rows("as assumed").T)[0, other] for other in (1, 2))
    assert 0.5 < far < near < 0.95
    same = rows("one norm")
    assert (same == same[:, :1]).all()
    changed = rows("abrupt change")
    assert (changed[:, 0] == changed[:, 1]).all()
    assert abs(np.corrcoef(changed.T)[0, 2]) < 0.06


def test_users_play_by_the_norm_of_their_good() -> None:
    w = jnp.asarray([[[-1.0], [0.0], [1.5]]])
    design = FAMILY.arrange(evidence(np.full((3, 400), 10), np.zeros((3, 400)), True))
    offered = np.asarray(play(jax.random.key(1), FAMILY, w, design).column)[0] / 10
    for row in range(3):
        offer = np.exp(np.asarray(BASE.table(BASE.theta(w[0, row]), jnp.asarray([10])).offer[0]))
        assert offered[row].mean() == pytest.approx(float(offer[:11] @ np.arange(11) / 10), abs=0.015)


def test_an_unknown_way_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown way 'by chance'; there are as assumed"):
        rows_of_societies(jax.random.key(0), FAMILY, "by chance", 2)
