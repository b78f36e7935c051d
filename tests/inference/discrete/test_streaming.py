"""Summaries of streamed posteriors equal those of whole posteriors."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from envs.seeds import derive_key
from envs.ultimatum import NUM_OFFERS
from inference import (
    Evidence,
    Hypotheses,
    evidence,
    infer,
    named_norms,
    parameter_grid,
    stream_posteriors,
    summarise_posteriors,
)
from inference.discrete import streaming as module
from inference.discrete.streaming import PosteriorSummaries
from tests.docs.pages import ROOT
from tests.inference.data import FAMILY_NAMES, enumerate_posterior, evidences, family, random_evidence, runs_of
from tests.scai_irl.program import environment

GRID = parameter_grid("fehr_schmidt", {"alpha": np.linspace(0, 4, 21), "beta": np.linspace(0, 1, 13)}, lapse=(0.05,))
ARRAYS = ("log_evidence", "entropy", "most_probable", "highest_probability", "norm_probabilities", "offered_share")


def mean_shares(hypotheses: Hypotheses, stake: int) -> np.ndarray:
    """Mean offered share of each hypothesis, from its own table."""
    chance = np.exp(np.asarray(hypotheses.table(jnp.asarray([stake])).offer[0], np.float64))
    return np.asarray(chance @ np.minimum(np.arange(NUM_OFFERS) / stake, 1.0))


def close_to_whole(name: str, summaries: PosteriorSummaries, data: Evidence, prior: np.ndarray | None = None) -> None:
    hypotheses = family(name)
    with np.errstate(divide="ignore"):  # of prior probabilities 0
        probability, log_evidence = enumerate_posterior(name, data, prior)
    np.testing.assert_allclose(summaries.log_evidence, log_evidence, atol=1e-6)
    np.testing.assert_allclose(summaries.highest_probability, probability.max(axis=1), atol=1e-6)
    at_most = probability[np.arange(data.runs), summaries.most_probable]
    np.testing.assert_allclose(at_most, probability.max(axis=1), atol=1e-9)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where(probability > 0, probability * np.log(probability), 0.0)
    np.testing.assert_allclose(summaries.entropy, -terms.sum(axis=1), atol=1e-6)
    np.testing.assert_allclose(summaries.norm_probabilities, probability @ hypotheses.norm_weights(), atol=1e-6)
    np.testing.assert_allclose(summaries.offered_share, probability @ mean_shares(hypotheses, 100), atol=1e-5)


@pytest.mark.parametrize("name", FAMILY_NAMES)
def test_every_family_is_summarised_as_enumeration_does(name: str) -> None:
    data = random_evidence(3)
    close_to_whole(name, summarise_posteriors(family(name), data), data)


@given(data=evidences(), seed=st.integers(0, 100))
def test_any_evidence_and_prior(data: Evidence, seed: int) -> None:
    weight = np.random.default_rng(seed).dirichlet(np.full(family("norm-mixtures").size, 0.1))
    weight[::3] = 0
    close_to_whole(
        "norm-mixtures", summarise_posteriors(family("norm-mixtures"), data, weight * 7), data, weight / weight.sum()
    )


def test_it_is_what_infer_gives() -> None:
    data = random_evidence(5)
    posterior, summaries = infer(GRID, data), summarise_posteriors(GRID, data, stake=20)
    np.testing.assert_allclose(summaries.log_evidence, posterior.log_evidence, atol=1e-4)  # single precision
    of_most_probable = np.take_along_axis(posterior.probabilities, summaries.most_probable[:, None], axis=1)[:, 0]
    np.testing.assert_allclose(
        of_most_probable, posterior.probabilities.max(axis=1), rtol=1e-6
    )  # of equals, any may be most probable
    expected = posterior.probabilities @ mean_shares(GRID, 20)
    np.testing.assert_allclose(summaries.offered_share, expected, atol=1e-5)


def repeated(data: Evidence, times: int) -> Evidence:
    return Evidence(*(np.tile(column, (times, 1)) for column in data))


def test_chunks_change_no_bit() -> None:
    data = repeated(random_evidence(2), 20)
    assert data.runs > 1_000
    key = derive_key(1, "draws")
    whole = summarise_posteriors(GRID, data, key=key, draws=3)
    small = summarise_posteriors(GRID, data, key=key, draws=3, runs_at_once=512)
    cuts = [slice(0, 300), slice(300, 301), slice(301, None)]
    given_in_chunks = summarise_posteriors(GRID, (runs_of(data, cut) for cut in cuts), key=key, draws=3)
    for name in (*ARRAYS, "draws"):
        for other in (small, given_in_chunks):
            assert getattr(other, name).tobytes() == getattr(whole, name).tobytes(), name


def test_one_program_serves_all_chunks() -> None:
    data = repeated(random_evidence(2), 30)
    program: Any = module._summarise
    program.clear_cache()
    parts = list(stream_posteriors(GRID, data, runs_at_once=512))
    assert [part.runs for part in parts] == [512] * (data.runs // 512) + [data.runs % 512]
    assert program._cache_size() == 1


@pytest.mark.slow
def test_draws_follow_the_posterior() -> None:
    """Pearson's statistic of 40,000 draws over some 270 hypotheses."""
    data = runs_of(random_evidence(4), slice(0, 2))
    draws = 20_000
    sample = summarise_posteriors(GRID, data, key=derive_key(3, "draws"), draws=draws).draws
    for row, probability in zip(sample, infer(GRID, data).probabilities.astype(np.float64), strict=True):
        count = np.bincount(row, minlength=GRID.size)
        many = draws * probability >= 5
        observed = np.append(count[many], count[~many].sum())
        expected = np.append(draws * probability[many], draws * probability[~many].sum())
        statistic = float(((observed - expected) ** 2 / expected).sum())
        degrees = len(observed) - 1
        assert abs(statistic - degrees) < 4 * np.sqrt(2 * degrees)
    assert (sample[0] != sample[1]).any()


def test_what_no_hypothesis_allows_is_refused_by_its_place_among_all() -> None:
    strict = named_norms(("selfish", "fair"), rationality=(3e38,))
    fine, refuted = evidence([[10]], [[1] * 10], True), evidence([[10]], [[9] * 10], True)
    with pytest.raises(ValueError, match=r"run 2 has probability 0 .*; give the hypotheses a lapse above 0"):
        list(stream_posteriors(strict, [fine, fine, refuted]))


@pytest.mark.parametrize(
    "prior", [[0.5, 0.5], [[0.2, 0.3, 0.5]], [0.5, -0.1, 0.6], [0.0, 0.0, 0.0], [1.0, np.nan, 0.0]]
)
def test_a_prior_that_is_no_distribution_is_refused(prior: list[float]) -> None:
    with pytest.raises(ValueError, match=r"^prior: "):
        summarise_posteriors(named_norms(), random_evidence(1), prior)


# Prints the peak memory in kB of a process that streams chunks of 2,048 simulated runs over 2,000 hypotheses.
_PEAK = """
import resource, sys
import numpy as np
from inference import evidence, parameter_grid, stream_posteriors
grid = parameter_grid("fehr_schmidt", {"alpha": np.linspace(0, 4, 50), "beta": np.linspace(0, 1, 40)}, lapse=(0.05,))
rng = np.random.default_rng(0)
shape = (2_048, 5)
chunks = (evidence(rng.integers(20, 24, shape), rng.integers(0, 20, shape), True) for _ in range(int(sys.argv[1])))
print(sum(part.runs for part in stream_posteriors(grid, chunks, runs_at_once=2_048)))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def peak(chunks: int) -> tuple[int, int]:
    done = subprocess.run(
        [sys.executable, "-c", _PEAK, str(chunks)],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env=environment(),
    )
    runs, kilobytes = map(int, done.stdout.split())
    return runs, kilobytes


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "darwin", reason="counts in bytes there")
def test_memory_does_not_grow_with_runs() -> None:
    """The table of eleven times as many runs would take 650 MB more in double precision."""
    few, many = peak(2), peak(22)
    assert (few[0], many[0]) == (2 * 2_048, 22 * 2_048)
    assert many[1] - few[1] < 40_000
