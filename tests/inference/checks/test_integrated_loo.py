"""Cross-validation of hierarchies compared with refits without a row, and without an observation."""

from __future__ import annotations

import functools

import jax
import numpy as np
import pytest

from inference import evidence, infer
from inference.checks.integrated_loo import LooOfRows, integrated_loo
from inference.checks.loo import compare, loo
from inference.continuous.hierarchy import Hierarchical
from inference.continuous.one_shot import FehrSchmidt
from inference.discrete.evidence import Evidence
from inference.samplers.marginals import posterior_of_new_row, posterior_of_row
from inference.samplers.nuts import Nuts
from inference.samplers.posterior import SampledPosterior

pytestmark = pytest.mark.slow

BASE = FehrSchmidt().fix(beta=0.0, lapse=0.1, rationality=15.0)
SHORT = Nuts(chains=2, warmup=300, draws=1_000)
ROWS, PLAYS, STAKE = 8, 10, 20


@functools.cache
def answers() -> Evidence:
    """People whose envy is spread from 0 to 1.4, by plain numpy."""
    random = np.random.default_rng(2)
    share = np.tile(np.arange(PLAYS) + 1, (ROWS, 1)) / STAKE
    return evidence(
        STAKE, np.rint(share * STAKE).astype(int), random.random(share.shape) < chance(ALPHAS, share), offer_seen=False
    )


def chance(alpha: np.ndarray, share: np.ndarray) -> np.ndarray:
    """P(accept) with λ = 15, ε = .1."""
    return np.asarray(0.9 / (1 + np.exp(-15 * (share - alpha * (1 - 2 * share)))) + 0.05)


ALPHAS = np.linspace(0, 1.4, ROWS)[:, None]


def likelihoods(posterior: SampledPosterior, row: int) -> np.ndarray:
    """p(y_ji | α) of one row's answers at a posterior's draws, (draw, play)."""
    share, accepted = answers().offer[row] / STAKE, answers().accepted[row]
    accept = chance(posterior.theta["alpha"].reshape(-1, 1), share)
    return np.where(accepted, accept, 1 - accept)


@functools.cache
def fitted() -> SampledPosterior:
    return infer(Hierarchical(base=BASE, rows=ROWS), answers(), key=jax.random.key(0), method=SHORT)


@functools.cache
def left_out() -> LooOfRows:
    return integrated_loo(fitted(), jax.random.key(1), draws=500, members=2_000)


@functools.cache
def all_together() -> SampledPosterior:
    return infer(BASE, Evidence(*(column.reshape(1, -1) for column in answers())), method="grid")


def test_leaving_out_a_row_is_refitting_without_it() -> None:
    pointwise = left_out().rows.pointwise
    assert pointwise["group"].tolist() == list(range(ROWS))
    assert (pointwise["pareto_k"] < 0.9).all()
    for row in (7,):
        others = Evidence(*(np.delete(column, row, axis=0) for column in answers()))
        refitted = infer(Hierarchical(base=BASE, rows=ROWS - 1), others, key=jax.random.key(2), method=SHORT)
        new = posterior_of_new_row(refitted, jax.random.key(3))
        expected = np.log(likelihoods(new, row).prod(axis=1).mean())
        # Means of 2,000 draws of a likelihood that varies about as much as its mean, twice: .05 each.
        assert pointwise["elpd"][row] == pytest.approx(expected, abs=0.25)


def test_leaving_out_an_observation_is_refitting_without_it() -> None:
    pointwise = left_out().observations.pointwise
    assert len(pointwise) == ROWS * PLAYS
    hardest = int(pointwise["elpd"].to_numpy().argmin())
    for place in (hardest, 25):
        row, play = divmod(place, PLAYS)
        seen = answers().answer_seen.copy()
        seen[row, play] = False
        without = answers()._replace(answer_seen=seen)
        refitted = infer(Hierarchical(base=BASE, rows=ROWS), without, key=jax.random.key(4), method=SHORT)
        expected = np.log(likelihoods(posterior_of_row(refitted, row), row)[:, play].mean())
        assert pointwise["elpd"][place] == pytest.approx(expected, abs=0.15)


def test_people_who_differ_are_better_predicted_by_a_hierarchy_choice_by_choice_and_person_by_person() -> None:
    pooled = all_together()
    groups = np.repeat(np.arange(ROWS), PLAYS)[None]
    for table in (
        compare({"pooled": loo(pooled), "apart": left_out().observations}),
        compare({"pooled": loo(pooled, groups=groups), "apart": left_out().rows}),
    ):
        assert table.index.tolist() == ["apart", "pooled"]
        assert float(table["elpd_diff"]["pooled"]) > 2


def test_what_is_no_hierarchy_is_refused() -> None:
    pooled = all_together()
    with pytest.raises(TypeError, match="FehrSchmidt is no hierarchy; use `loo`"):
        integrated_loo(pooled, jax.random.key(0))
