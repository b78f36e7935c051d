"""Response types: enumeration of types, and items that are sorted by their consistency."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from inference import FehrSchmidt, FramedEvidence, Nuts, ResponseTypes, evidence, framed, infer
from inference.continuous.responses import TYPES

BASE = FehrSchmidt().fix(beta=0.3, rationality=40.0, lapse=0.02)
ITEMS, REPETITIONS = 18, 8


def answered(seed: int = 0) -> tuple[FramedEvidence, np.ndarray]:
    """Six items of each type: genuine with envy 1.5 (shares below .3 are refused), random, and led by the frame."""
    rng = np.random.default_rng(seed)
    kind = np.repeat(np.arange(3), ITEMS // 3)
    offer = np.resize([1, 2, 4, 8, 9, 10], ITEMS)
    frame = np.tile([1, -1], (ITEMS, REPETITIONS // 2))
    genuine = np.repeat((offer / 20 > 0.3)[:, None], REPETITIONS, axis=1)
    tossed = rng.random((ITEMS, REPETITIONS)) < 0.5
    accepted = np.choose(kind[:, None], [genuine, tossed, frame > 0])
    stake = np.full((ITEMS, REPETITIONS), 20)
    return framed(evidence(stake, np.repeat(offer[:, None], REPETITIONS, 1), accepted, offer_seen=False), frame), kind


def test_the_likelihood_sums_over_types() -> None:
    data, _ = answered()
    family = ResponseTypes(base=BASE, items=ITEMS)
    seen = jax.tree.map(lambda leaf: jnp.asarray(leaf)[0], family.arrange(data))
    theta = family.theta(0.3 * jax.random.normal(jax.random.key(0), (family.dimension,)))
    share, slip = np.asarray(theta["share_of_type"], np.float64), float(theta["frame_slip"])
    total = 0.0
    for item in range(ITEMS):
        accepted, frame = data.plays.accepted[item], data.frame[item]
        own = jax.tree.map(lambda leaf, item=item: leaf[item], seen.plays)
        genuine = np.exp(float(BASE.pointwise(theta, own).sum()))
        led = np.prod(np.where((frame > 0) == accepted, 1 - slip, slip))
        total += np.log(share @ [genuine, 0.5**REPETITIONS, led])
    assert float(family.log_likelihood(theta, family.summarise(seen))) == pytest.approx(total, rel=1e-4)


def test_items_are_sorted_by_consistency() -> None:
    data, kind = answered()
    family = ResponseTypes(base=BASE, items=ITEMS)
    posterior = infer(family, data, key=jax.random.key(0), method=Nuts(chains=2, warmup=300, draws=300))
    seen = jax.tree.map(lambda leaf: jnp.asarray(leaf)[0], posterior.seen)
    flat = {name: jnp.asarray(v[0].reshape(-1, *v.shape[3:])) for name, v in posterior.theta.items()}
    known = {name: jnp.asarray(value) for name, value in BASE.fixed}
    chance = np.asarray(jax.vmap(lambda theta: family.type_probabilities(theta | known, seen))(flat)).mean(axis=0)
    assert chance.shape == (ITEMS, len(TYPES))
    assert (chance.argmax(axis=1) == kind).mean() >= 16 / 18
    np.testing.assert_allclose(posterior.mean("share_of_type")[0], 1 / 3, atol=0.12)
    # With types, envy is that of the genuine answers. Without them, random answers look like indifference.
    # Who refuses 4 of 20 and accepts 8 of 20 has an envy between 1/3 and 2: x = α (1 − 2x) at these shares.
    low, high = posterior.interval("alpha")[0]
    assert 1 / 3 < low < high < 2


def test_one_answer_to_an_item_tells_next_to_nothing() -> None:
    data, _ = answered()
    once = framed(type(data.plays)(*(column[:, :1] for column in data.plays)), data.frame[:, :1])
    family = ResponseTypes(base=BASE, items=ITEMS)
    posterior = infer(family, once, key=jax.random.key(0), method=Nuts(chains=2, warmup=200, draws=200))
    assert (np.ptp(posterior.interval("share_of_type")[0], axis=1) > 0.4).all()


def test_bad_frames_are_reported() -> None:
    plays = evidence([20, 20], [5, 5], True, offer_seen=False)
    with pytest.raises(ValueError, match=r"^frame: 2 is none of -1, 0, 1"):
        framed(plays, [1, 2])
    with pytest.raises(ValueError, match=r"^offer_seen: offers to an item are part of the question"):
        framed(evidence([20], [5], True), [1])
    with pytest.raises(ValueError, match=r"^data: 1 rows do not make runs of 2 items"):
        infer(ResponseTypes(base=BASE, items=2), framed(plays, [1, -1]))
