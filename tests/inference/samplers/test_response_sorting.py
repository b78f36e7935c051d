"""Types of items: the mean over draws equals that of a plain loop."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from inference import FehrSchmidt, Grid, ResponseTypes, evidence, framed, infer
from inference.samplers.response_sorting import types_found

BASE = FehrSchmidt().fix(beta=0.3, rationality=40.0, lapse=0.02)


def test_types_are_averaged_over_draws() -> None:
    frame = np.array([1, -1, 1, -1])
    accepted = np.array([[1, 1, 1, 1], [0, 0, 0, 0], [1, 0, 1, 0], [1, 1, 0, 0]] * 2, bool)
    offer = np.repeat([[9], [1], [5], [5]] * 2, 4, axis=1)
    data = framed(evidence(np.full(offer.shape, 20), offer, accepted, offer_seen=False), frame)
    family = ResponseTypes(base=BASE, items=4).fix(frame_slip=0.05)
    posterior = infer(family, data, method=Grid(points=5))
    probabilities = types_found(posterior)
    assert probabilities.shape == (2, 4, 3)
    np.testing.assert_allclose(probabilities.sum(axis=-1), 1, atol=1e-5)
    for run in range(2):
        seen = jax.tree.map(lambda leaf, run=run: jnp.asarray(leaf)[run], posterior.seen)
        draws = jnp.asarray(posterior.fit.u[run]).reshape(-1, family.dimension)
        of_draw = jax.jit(lambda u, seen=seen: family.type_probabilities(family.theta(u), seen))
        each = [np.asarray(of_draw(u)) for u in draws]
        expected = np.einsum("d,dit->it", posterior.weights[run].reshape(-1), np.stack(each))
        np.testing.assert_allclose(probabilities[run], expected, atol=1e-5)
    assert probabilities[0].argmax(axis=1).tolist()[:3] == [0, 0, 2]


def test_another_family_is_reported() -> None:
    plays = evidence([20, 20], [5, 9], [False, True], offer_seen=False)
    with pytest.raises(TypeError, match="a posterior over ResponseTypes is needed"):
        types_found(infer(BASE, plays))
