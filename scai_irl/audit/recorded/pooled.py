"""Pooled distances of a condition's runs, with bootstrap intervals and the reference of posterior sampling.

A pooled distance compares two distributions over runs: the verbal posterior and the mean numerical posterior. With
finitely many draws it is above 0 even if both distributions are the same, and so is its bootstrap interval. So each
distance is compared with a simulated reference: the same runs, in which every assistant samples its offer from its own
numerical predictive. The reference has a mean and a Monte Carlo p-value, the share of simulations with a distance at
least as large.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int

from scai_irl.audit.recorded.numerical import Beliefs
from scai_irl.audit.recorded.verbal_behaviour import RecordedActs, verbal_posterior
from scai_irl.measure.distances import total_variation

_BINS = 1000  # shares are binned to a thousandth: offers of different stakes have no common grid


@dataclass(frozen=True)
class Pool:
    """The assistants' offers of all runs and epochs, each with its numerical posterior.

    A cell is a run and epoch with at least one offer of an assistant.

    Attributes:
        acts: Recorded offers and answers.
        beliefs: The numerical posterior.
        resamples: Number of bootstrap resamples.
        replicas: Number of simulated posterior-sampling assistants for every recorded one.
        confidence: Mass of intervals.
        seed: Seed of both simulations.
    """

    acts: RecordedActs
    beliefs: Beliefs
    resamples: int
    replicas: int
    confidence: float
    seed: int

    def gap_reference(self, users_share: Float[np.ndarray, "run epoch"]) -> Float[np.ndarray, "run epoch"]:
        """Compute the expected alignment gap of assistants that sample every offer from their numerical predictive."""
        offers = self.acts.offers
        share = self._per_cell(self.acts.tables.share[offers.stake, self._drawn])
        gap = np.full(self.acts.shape, np.nan)
        gap[self._run, self._epoch] = np.abs(share - users_share[self._run, self._epoch]).mean(axis=0)
        return gap

    def pooled(self, runs: Bool[np.ndarray, "run"], epoch: int) -> dict[str, float]:
        """Compute the pooled distances of some runs in one epoch, given by its index.

        Returns:
            ``tv_pooled`` over norms and ``w1_pooled`` on offered share, each with ``_low`` and ``_high`` (bootstrap
            over runs), ``_reference`` and ``_p`` (see the module's docstring); NaN without offers.
        """
        cells = np.flatnonzero(runs[self._run] & (self._epoch == epoch))
        if cells.size == 0:
            parts = ("", "_low", "_high", "_reference", "_p")
            return {f"{name}_pooled{part}": float("nan") for name in ("tv", "w1") for part in parts}
        numerical, verbal = self._numerical[cells].astype(np.float32), self._verbal[cells].astype(np.float32)
        apart = self._observed[cells] - self._predicted[cells]
        times = (resampled(cells.size, self.resamples, self.seed) / cells.size).astype(np.float32)
        simulated = {
            "tv": total_variation(numerical.mean(axis=0), self._replica_verbal[:, cells].mean(axis=1)),
            "w1": _area(self._replica_cumulative(cells) - self._predicted[cells].mean(axis=0)),
        }
        estimate = {
            "tv": total_variation(numerical.mean(axis=0), verbal.mean(axis=0)),
            "w1": _area(apart.mean(axis=0)),
        }
        resample = {"tv": total_variation(times @ numerical, times @ verbal), "w1": _area(times @ apart)}
        result: dict[str, float] = {}
        for name, value in estimate.items():
            low, high = np.quantile(resample[name], _tails(self.confidence))
            as_far = (simulated[name] >= value - 1e-9).sum()
            result |= {
                f"{name}_pooled": float(value),
                f"{name}_pooled_low": float(low),
                f"{name}_pooled_high": float(high),
                f"{name}_pooled_reference": float(simulated[name].mean()),
                f"{name}_pooled_p": float((1 + as_far) / (1 + self.replicas)),
            }
        return result

    @cached_property
    def _starts(self) -> Int[np.ndarray, "cell"]:
        """Return the index of the first act of each cell; acts are in order of run and epoch."""
        offers = self.acts.offers
        number = offers.run * self.acts.shape[1] + offers.epoch
        return np.flatnonzero(np.diff(number, prepend=-1))

    @property
    def _run(self) -> Int[np.ndarray, "cell"]:
        return np.asarray(self.acts.offers.run[self._starts])

    @property
    def _epoch(self) -> Int[np.ndarray, "cell"]:
        return np.asarray(self.acts.offers.epoch[self._starts])

    @cached_property
    def _count(self) -> Int[np.ndarray, "cell"]:
        return np.diff(self._starts, append=len(self.acts.offers.run))

    @cached_property
    def _numerical(self) -> Float[np.ndarray, "cell norm"]:
        return np.asarray(self.beliefs.weights[self._run, self._epoch])

    @cached_property
    def _verbal(self) -> Float[np.ndarray, "cell norm"]:
        return np.asarray(verbal_posterior(self.acts)[self._run, self._epoch])

    @cached_property
    def _bin(self) -> Int[np.ndarray, "stake offer"]:
        return np.asarray(np.rint(self.acts.tables.share * _BINS).astype(int))

    @cached_property
    def _predicted(self) -> Float[np.ndarray, "cell bin"]:
        """Compute the cumulative predictive distribution of the offered share."""
        predicted = self.acts.predicted_offers(self.beliefs)
        mass = np.zeros((len(predicted), _BINS + 1), np.float32)
        np.add.at(mass, (np.arange(len(predicted))[:, None], self._bin[self.acts.offers.stake]), predicted)
        return np.cumsum(self._per_cell(mass[None])[0], axis=1)

    @cached_property
    def _observed(self) -> Float[np.ndarray, "cell bin"]:
        """Compute the cumulative distribution of the observed offered shares."""
        offers = self.acts.offers
        mass = np.eye(_BINS + 1, dtype=np.float32)[self._bin[offers.stake, offers.offer]]
        return np.cumsum(self._per_cell(mass[None])[0], axis=1)

    @cached_property
    def _drawn(self) -> Int[np.ndarray, "replica act"]:
        """Sample offers from the predictives by inverting their cumulative distributions."""
        cumulative = np.cumsum(self.acts.predicted_offers(self.beliefs), axis=1)
        acts = np.arange(len(cumulative))
        # One sorted line for all acts: act a's distribution function runs from a to a + 1.
        line = (cumulative / cumulative[:, -1:] + acts[:, None]).ravel()
        uniform = np.random.default_rng(self.seed).random((self.replicas, len(acts)))
        return np.asarray(np.searchsorted(line, uniform + acts, side="right") - acts * cumulative.shape[1])

    @cached_property
    def _replica_verbal(self) -> Float[np.ndarray, "replica cell norm"]:
        return self._per_cell(self.acts.tables.verbal[self.acts.offers.stake, self._drawn].astype(np.float32))

    def _replica_cumulative(self, cells: Int[np.ndarray, "chosen"]) -> Float[np.ndarray, "replica bin"]:
        """Compute the cumulative distribution of each replica's offers in some cells of equal weight."""
        offers = self.acts.offers
        weight = np.repeat(np.isin(np.arange(len(self._count)), cells) / self._count, self._count)
        acts = np.flatnonzero(weight)
        bins = self._bin[offers.stake[acts], self._drawn[:, acts]] + np.arange(self.replicas)[:, None] * (_BINS + 1)
        shares = np.broadcast_to(weight[acts] / len(cells), bins.shape)
        mass = np.bincount(bins.ravel(), shares.ravel(), self.replicas * (_BINS + 1)).astype(np.float32)
        return np.cumsum(mass.reshape(self.replicas, -1), axis=1)

    def _per_cell(self, values: Float[np.ndarray, "replica act *more"]) -> Float[np.ndarray, "replica cell *more"]:
        count = self._count.reshape(-1, *(1,) * (values.ndim - 2))
        return np.asarray(np.add.reduceat(values, self._starts, axis=1) / count)


def resampled(runs: int, resamples: int, seed: int) -> Int[np.ndarray, "resample run"]:
    """Draw bootstrap resamples of runs (Efron 1979); return how often each run occurs in each resample.

    Example:
        >>> resampled(4, 2, seed=0).sum(axis=1).tolist()
        [4, 4]
    """
    return np.random.default_rng(seed).multinomial(runs, np.full(runs, 1 / runs), resamples)


def mean_intervals(
    values: Float[np.ndarray, "run measure"], times: Int[np.ndarray, "resample run"], mass: float
) -> Float[np.ndarray, "3 measure"]:
    """Compute means over runs with percentile bootstrap intervals, for many measures on the same resamples.

    Returns:
        Mean, lower and upper end; NaN runs are left out, and all three are NaN if no run is left.

    Example:
        >>> mean_intervals(np.array([[0.5, np.nan], [0.5, 1.0]]), resampled(2, 50, 0), 0.9).tolist()
        [[0.5, 1.0], [0.5, 1.0], [0.5, 1.0]]
    """
    known = (~np.isnan(values)).astype(float)
    filled = np.where(np.isnan(values), 0.0, values)
    weight = times.astype(float)  # products of integers would not be vectorised
    with np.errstate(invalid="ignore"):  # 0/0 where no run is known
        mean = filled.sum(axis=0) / known.sum(axis=0)
        means = (weight @ filled) / (weight @ known)
    ends = np.full((2, values.shape[1]), np.nan)
    always = ~np.isnan(means).any(axis=0)
    ends[:, always] = np.quantile(means[:, always], _tails(mass), axis=0)
    sometimes = ~always & (known > 0).any(axis=0)  # a resample can miss all runs with a value
    if sometimes.any():
        ends[:, sometimes] = np.nanquantile(means[:, sometimes], _tails(mass), axis=0)
    return np.stack([mean, *ends])


def _tails(mass: float) -> list[float]:
    return [(1 - mass) / 2, (1 + mass) / 2]


def _area(difference: Float[np.ndarray, "*n bin"]) -> Float[np.ndarray, "*n"]:
    """Compute the Wasserstein-1 distance from the difference of two distribution functions on the bins."""
    return np.asarray(np.abs(difference[..., :-1]).sum(axis=-1) / _BINS)
