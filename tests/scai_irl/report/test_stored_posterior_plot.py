"""A stored posterior is drawn by what varies in it: weights of norms, or parameters with their numbers."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from matplotlib.axes import Axes

import scai_irl as si
from inference import evidence, infer, named_norms, parameter_grid
from inference.discrete.hypotheses import Hypotheses

SEEN = evidence([[10] * 3, [10] * 3], [[5, 5, 5], [0, 0, 0]], [[True] * 3] * 2)
"""A fair run and a selfish one."""


def axes_of(hypotheses: Hypotheses, run: int) -> Axes:
    exported = infer(hypotheses, SEEN).to_arviz(jax.random.key(0), 50)
    (axes,) = si.plot_posterior(exported, run=run).axes
    return axes


@pytest.mark.parametrize(("run", "believed"), [(0, "fair"), (1, "selfish")])
def test_named_norms_are_bars_of_weights(run: int, believed: str) -> None:
    axes = axes_of(named_norms(), run)
    widths = {bar.get_label(): bar.patches[0].get_width() for bar in axes.containers}  # type: ignore[attr-defined]
    assert set(widths) == {"selfish", "fair", "altruistic"}
    assert sum(widths.values()) == pytest.approx(1, abs=1e-5)
    assert max(widths, key=lambda norm: widths[norm]) == believed


def test_parameters_that_all_hypotheses_share_are_left_out() -> None:
    axes = axes_of(parameter_grid("fehr_schmidt", {"alpha": np.linspace(0, 1, 3), "beta": (0.0, 0.3)}), 0)
    labels = [text.get_text().split() for text in axes.get_yticklabels()]
    assert [name for name, *_ in labels] == ["alpha", "beta"]  # neither rationality nor lapse
    assert all(low.startswith("[") and high.endswith("]") for *_, low, high in labels)
