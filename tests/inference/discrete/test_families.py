import itertools
import math

import numpy as np
import pytest

from inference import FAMILIES, make_family, named_norms, norm_mixtures, parameter_grid


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_has_a_value_of_every_coordinate_for_every_hypothesis(name: str) -> None:
    hypotheses = make_family(name, [20.0, 60.0], [0.0, 0.05])
    columns = hypotheses.coordinates()
    assert {len(column) for column in columns.values()} == {hypotheses.size}
    settings = set(zip(columns["rationality"].tolist(), columns["lapse"].round(3).tolist(), strict=True))
    assert {(r, round(e, 3)) for r, e in settings} == set(itertools.product((20.0, 60.0), (0.0, 0.05)))
    rows = list(zip(*(column.tolist() for column in columns.values()), strict=True))
    assert len(set(rows)) == hypotheses.size
    weights = hypotheses.norm_weights()
    assert weights.shape == (hypotheses.size, len(hypotheses.norms))
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-6)  # float32 multiples of 1/20


@pytest.mark.parametrize("name", FAMILIES)
def test_policies_state_their_hypothesis_coordinates(name: str) -> None:
    hypotheses = make_family(name, [20.0, 60.0], [0.05])
    columns = hypotheses.coordinates()
    for index in (0, hypotheses.size // 3, hypotheses.size - 1):
        for weight, norm in hypotheses.policy(index).parts:
            assert norm.rationality == columns["rationality"][index]
            assert weight == pytest.approx(columns.get(f"weight_{norm.utility}", np.ones(index + 1))[index])
            assert all(value in [column[index] for column in columns.values()] for value in norm.theta)


@pytest.mark.parametrize(("norms", "steps"), [(2, 1), (2, 10), (3, 20), (4, 5)])
def test_mixtures_are_all_points_of_the_simplex(norms: int, steps: int) -> None:
    names = ("selfish", "fair", "altruistic", "fair")[:norms]
    mixtures = norm_mixtures(names[:norms], steps)
    assert mixtures.size == math.comb(steps + norms - 1, norms - 1)
    counts = np.asarray(mixtures.weights) * steps
    np.testing.assert_allclose(counts, counts.round(), atol=1e-4)
    assert (counts.round().sum(axis=1) == steps).all()


@pytest.mark.parametrize("steps", [0, -2])
def test_a_simplex_needs_a_step(steps: int) -> None:
    with pytest.raises(ValueError, match=f"steps must be 1 or more, got {steps}"):
        norm_mixtures(steps=steps)


@pytest.mark.parametrize("rationality", [-1.0, float("nan"), float("inf")])
def test_an_impossible_rationality_is_refused(rationality: float) -> None:
    with pytest.raises(ValueError, match=f"rationality must be a number of 0 or more, got {rationality:g}"):
        named_norms(rationality=(50.0, rationality))


@pytest.mark.parametrize("lapse", [-0.1, 1.1, float("nan")])
def test_an_impossible_lapse_is_refused(lapse: float) -> None:
    with pytest.raises(ValueError, match="lapse must lie between 0 and 1"):
        named_norms(lapse=(0.1, lapse))


def test_a_grid_needs_its_utilitys_parameters() -> None:
    with pytest.raises(ValueError, match="fehr_schmidt has the parameters alpha, beta; got alpha, rho"):
        parameter_grid("fehr_schmidt", {"alpha": (0.0,), "rho": (0.0,)})


def test_unknown_norms_and_families_are_named() -> None:
    with pytest.raises(ValueError, match="'greedy'"):
        named_norms(("greedy",)).coordinates()
    with pytest.raises(ValueError, match=r"'wishes'.*named-norms"):
        make_family("wishes", [50.0], [0.0])
