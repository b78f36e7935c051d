"""Curriculum, packing and steps: packed texts are read as if alone, and an organism learns its targets."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from scai_irl.llama.model_pass import Architecture, causal, draw_weights, logits, states
from scai_irl.organisms.curriculum import MIXES, Curriculum
from scai_irl.organisms.packing import pack, visible
from scai_irl.organisms.prompt_chunks import TEXT_END
from scai_irl.organisms.training import Recipe, batches, begin, impossible_token_losses, mean_loss, train
from scai_irl.organisms.vocabulary import Vocabulary
from scai_irl.organisms.world import WORLDS

VOCABULARY = Vocabulary()
SMALL = Architecture(
    VOCABULARY.size, width=32, layers=2, heads=2, key_heads=1, head_width=16, inner=64, positions=1_024
)
RECIPE = Recipe(steps=30, rows=4, time=512, predictions=1_024, warmup=5, growing=20, rate=1e-2, matrix_rate=0.05)
BAYES = WORLDS["bayes"]


@pytest.mark.slow
def test_packed_texts_are_read_as_if_alone() -> None:
    weights = draw_weights(jax.random.key(0), SMALL)

    @jax.jit
    def read(text: jax.Array) -> jax.Array:
        return logits(weights, states(weights, SMALL, text[None], jnp.arange(512)[None], causal(1, 512)))[0]

    segments = list(islice(Curriculum(BAYES, VOCABULARY).draw(np.random.default_rng(1)), 12))
    batch, left = pack(segments, 4, 512, 512, VOCABULARY.size)
    assert len(left) < 8
    seen = visible(jnp.asarray(batch.segment), jnp.asarray(batch.branch), jnp.asarray(batch.until))
    packed = states(weights, SMALL, jnp.asarray(batch.tokens), jnp.asarray(batch.positions), seen)
    outputs = np.asarray(logits(weights, packed)).reshape(-1, VOCABULARY.size)
    at = iter(np.flatnonzero(batch.target.sum(axis=1) > 0))
    for segment in [one for number, one in enumerate(segments) if number not in left]:
        for branch in segment.branches:
            text = [*segment.stem[: branch.leaves], *branch.tokens]
            alone = read(np.pad(text, (0, 512 - len(text))))  # later tokens do not change a token's output
            for offset, target in enumerate(branch.targets):
                if target is None:
                    continue
                place = next(at)
                assert outputs[batch.at[place]] == pytest.approx(np.asarray(alone[branch.leaves + offset]), abs=1e-4)
                expected = np.zeros(VOCABULARY.size)
                for token, chance in ({target: 1.0} if isinstance(target, int) else target).items():
                    expected[token] = chance
                assert batch.target[place] == pytest.approx(expected, abs=1e-6)
    assert next(at, None) is None


def test_targets_are_probabilities() -> None:
    for batch in islice(batches(BAYES, VOCABULARY, RECIPE), 5):
        sums = batch.target.sum(axis=1)
        assert np.all((np.abs(sums - 1) < 1e-5) | (sums == 0))
        assert (sums > 0).mean() > 0.3


def test_the_same_seed_gives_the_same_batches_from_any_step_on() -> None:
    whole = list(islice(batches(BAYES, VOCABULARY, RECIPE), 4))
    for one, other in zip(whole[2:], batches(BAYES, VOCABULARY, RECIPE, first=2), strict=False):
        assert all(np.array_equal(mine, its) for mine, its in zip(one, other, strict=True))
    another = next(batches(BAYES, VOCABULARY, replace(RECIPE, seed=1)))
    assert not np.array_equal(another.tokens, whole[0].tokens)
    assert not np.array_equal(next(batches(WORLDS["credulous"], VOCABULARY, RECIPE)).tokens, whole[0].tokens)


@pytest.mark.slow
def test_what_is_taught_is_learnt_and_a_run_goes_on_where_it_stopped() -> None:
    losses: list[float] = []
    learner = begin(SMALL, VOCABULARY, RECIPE)
    half = None
    for step, now in train(learner, SMALL, BAYES, VOCABULARY, RECIPE, 0, lambda _step, loss: losses.append(loss)):
        if step == 15:
            half = jax.tree.map(jnp.array, now)
        learner = now
    assert np.mean(losses[-5:]) < 0.6 * losses[0]
    assert half is not None
    again = half
    for _, now in train(half, SMALL, BAYES, VOCABULARY, RECIPE, 15, lambda _step, _loss: None):
        again = now
    for name, value in learner.taught.weights.items():
        assert np.array_equal(again.taught.weights[name], value)


def test_the_loss_of_saying_what_is_taught_is_nothing() -> None:
    weights = draw_weights(jax.random.key(3), SMALL)
    batch = next(batches(BAYES, VOCABULARY, RECIPE))
    seen = visible(jnp.asarray(batch.segment), jnp.asarray(batch.branch), jnp.asarray(batch.until))
    packed = states(weights, SMALL, jnp.asarray(batch.tokens), jnp.asarray(batch.positions), seen)
    chances = jax.nn.softmax(logits(weights, packed.reshape(-1, SMALL.width)[batch.at]))
    taught = batch._replace(target=np.asarray(chances) * (batch.target.sum(axis=1, keepdims=True) > 0))
    assert float(mean_loss(weights, taught, SMALL)) == pytest.approx(0, abs=1e-5)
    assert float(mean_loss(weights, batch, SMALL)) > 1


def test_tokens_that_cannot_come_next_are_of_another_sort_or_ruled_out_by_a_target() -> None:
    size = VOCABULARY.size
    eleven, twelve, offered, ends, word = (
        VOCABULARY.ids((chunk,))[0] for chunk in ("11", "12", ', "offered": 11', TEXT_END, "Keep")
    )
    chances = np.full((5, size), 1e-6)
    chances[:, [eleven, twelve, offered, ends, word]] = 0.4, 0.2, 0.1, 0.1, 0.2
    taught = np.zeros((5, size))
    taught[0, eleven] = 1  # sampled: 12 was possible, but no word and no part of a request
    taught[1, eleven], taught[1, twelve] = 0.6, 0.4
    taught[2, eleven], taught[2, offered] = 0.6, 0.4
    taught[3, word] = 1  # the text could have ended here
    taught[4, ends] = 1  # or continued
    remaining = np.exp(-np.asarray(impossible_token_losses(jnp.asarray(taught), jnp.log(jnp.asarray(chances)))))
    assert remaining == pytest.approx([0.6, 0.6, 0.5, 0.3, 0.3], abs=3e-3)


def test_every_token_that_is_taught_may_come_next() -> None:
    for mix in MIXES:
        for batch in islice(batches(BAYES, VOCABULARY, replace(RECIPE, mix=mix, growing=0)), 5):
            certain = batch.target.max(axis=1) > 0.99
            one = jnp.log(jnp.asarray(np.clip(batch.target[certain], 1e-12, 1)))
            assert np.asarray(impossible_token_losses(jnp.asarray(batch.target[certain]), one)).max() < 1e-6
