import jax
import jax.numpy as jnp
import numpy as np

from envs.schedule import GROUPS
from envs.seeds import derive_key
from inference import DiscretePosterior, infer, named_norms, thompson
from tests.envs.reference import false_alarm_bound
from tests.inference.data import family, random_evidence, runs_of

NORMS = named_norms()


def uncertain(runs: int) -> DiscretePosterior:
    log_prob = jnp.log(jnp.asarray([0.5, 0.2, 0.3]))
    return DiscretePosterior(NORMS, jnp.broadcast_to(log_prob, (runs, 3)), jnp.zeros(runs))


def test_every_assistant_draws_one_hypothesis_of_its_own() -> None:
    for schedule in GROUPS.values():
        sample = thompson(jax.random.key(0), uncertain(runs=200), schedule.assistants)
        assert sample.shape == (200, schedule.assistants)
        assert (sample != sample[:, :1]).any()  # assistants of one run differ
        assert (sample != sample[:1]).any()  # and so do runs


def test_draws_have_the_posteriors_frequencies() -> None:
    """If the law is true, one seed in a million fails. The seed is fixed."""
    sample = thompson(jax.random.key(1), uncertain(runs=5_000), assistants=4)
    probability = np.array([0.5, 0.2, 0.3])
    counts = np.bincount(sample.ravel(), minlength=3)
    assert (np.abs(counts - sample.size * probability) <= false_alarm_bound(probability, sample.size, 3)).all()


def test_assistants_of_a_run_draw_independently() -> None:
    sample = thompson(jax.random.key(2), uncertain(runs=20_000), assistants=2)
    pairs = sample[:, 0] * 3 + sample[:, 1]
    probability = np.outer([0.5, 0.2, 0.3], [0.5, 0.2, 0.3]).ravel()
    counts = np.bincount(pairs, minlength=9)
    assert (np.abs(counts - len(pairs) * probability) <= false_alarm_bound(probability, len(pairs), 9)).all()


def test_run_seven_alone_draws_what_run_seven_draws_among_twenty() -> None:
    hypotheses, data = family("fehr-schmidt-grid"), runs_of(random_evidence(6), slice(0, 20))
    key = derive_key(7, "thompson", 3)
    together = thompson(key, infer(hypotheses, data), assistants=5)
    alone = thompson(key, infer(hypotheses, runs_of(data, slice(7, 8))), assistants=5, runs=jnp.asarray([7]))
    np.testing.assert_array_equal(alone[0], together[7])


def test_epochs_draw_afresh() -> None:
    posterior = uncertain(runs=100)
    first, second = (thompson(derive_key(7, "thompson", epoch), posterior, assistants=3) for epoch in (0, 1))
    assert (first != second).any()
