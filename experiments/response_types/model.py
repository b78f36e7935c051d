r"""Preferences inferred from answers of which some express no preference, with and without sorting them by type.

A person with envy α (Fehr & Schmidt 1999) is asked whether she would take an offer, some items again and again, each
time in a frame that speaks for yes or for no. Some items she answers by her preference, some by tossing a coin, some by
the frame (`inference.continuous.responses`). Her envy is inferred from

    all answers, taken at face value      her family alone, with the lapse that she has when she means it
    all answers, slips inferred           her family alone, with a lapse that is inferred
    types sorted                          a mixture of the three types, items sorted by their consistency

The error is that of the least share that she takes, x = α/(1 + 2α), where U(x) = x − α (1 − 2x) is 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from pydantic import Field, field_validator

from envs import Norm, Policy, derive_key, derive_seed
from inference import FehrSchmidt, FramedEvidence, ResponseTypes, Smc, evidence, framed, infer
from inference.checks.diagnostics import split_r_hat
from inference.continuous.responses import TYPES
from inference.samplers.posterior import SampledPosterior
from inference.samplers.response_sorting import types_found
from scai_irl.experiment.config import ExperimentConfig, some_distinct

FACE_VALUE, SLIPS, SORTED = "taken at face value", "slips inferred", "types sorted"
STAKE = 100
_LOWEST, _HIGHEST = 0.02, 0.5


class ResponseTypesStudy(ExperimentConfig):
    """Response types: preferences inferred with and without a model that sorts genuine answers from others."""

    genuine: tuple[float, ...] = Field(
        (1.0, 0.8, 0.6, 0.4, 0.2),
        description="Shares of items answered genuinely; the rest are answered by coin or by frame.",
    )
    people: int = Field(100, ge=1, le=10_000, description="People of each kind.")
    items: int = Field(24, ge=2, le=99, description="Items that each is asked, at offers from .02 to .50.")
    repetitions: int = Field(8, ge=1, le=1000, description="Times that each item is asked.")
    rationality: float = Field(15.0, gt=0, le=1e6, description="Rationality of genuine answers.")
    lapse: float = Field(0.02, ge=0, le=1, description="Chance of a slip in genuine answers.")
    guilt: float = Field(0.3, ge=0, le=1, description="Guilt β, which is known.")
    slip: float = Field(0.1, ge=0, le=0.5, description="Chance that a constructed answer leaves its frame.")
    particles: int = Field(200, ge=50, le=100_000, description="Particles of each of two populations.")

    @field_validator("genuine")
    @classmethod
    def _distinct_shares(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        for share in value:
            if not 0 < share <= 1:
                raise ValueError(f"{share:g} is no share of genuine items; give more than 0 and 1 at most")
        some_distinct(tuple(f"{share:g}" for share in value), "share")
        return value

    @property
    def family(self) -> FehrSchmidt:
        """Policy of genuine answers."""
        return FehrSchmidt().fix(beta=self.guilt, rationality=self.rationality, lapse=self.lapse)


@dataclass(frozen=True)
class People:
    """People of one kind.

    Attributes:
        envy: α of each.
        kind: Type of each item, as an index into `TYPES`; the same for all people, at offers drawn anew.
        answers: Their answers, a row for each person and item.
    """

    envy: Float[np.ndarray, "person"]
    kind: Int[np.ndarray, "item"]
    answers: FramedEvidence


def infer_envy(plan: ResponseTypesStudy) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Infer each person's envy in three ways, and sort items by type.

    Returns:
        Estimates, a line for each share of genuine items, person and way: ``truth`` and posterior ``mean`` of the least
        share that is taken, ``error``, ``inside`` (1 where the 90 % interval holds the truth), ``width`` of the
        interval, and ``r_hat`` of envy where there are two populations. Sorting, a line for each share of genuine
        items, person and type there is: ``right``, the share of its items whose most probable type is their own.
    """
    estimates: list[dict[str, object]] = []
    placed: list[dict[str, object]] = []
    for share in plan.genuine:
        people = ask_people(plan, share)
        of_ways = {}
        for way, posterior in _posteriors(plan, people, share):
            of_ways[way] = posterior
            estimates += _estimates(posterior, people.envy, {"genuine": share, "way": way})
        most = types_found(of_ways[SORTED]).argmax(axis=-1)
        for person, kind in product(range(plan.people), np.unique(people.kind)):
            own = people.kind == kind
            right = float((most[person, own] == kind).mean())
            placed.append({"genuine": share, "person": person, "type": TYPES[kind], "items": own.sum(), "right": right})
    return pd.DataFrame(estimates), pd.DataFrame(placed)


def ask_people(plan: ResponseTypesStudy, share: float) -> People:
    """Draw people from the prior of their family, and let them answer."""
    rng = np.random.default_rng(derive_seed(plan.seed, "response-types", f"{share:g}", "people"))
    envy_prior = FehrSchmidt().parameters[0]
    envy = np.asarray(envy_prior.value(jnp.asarray(rng.standard_normal(plan.people))), float)
    kind = _types(plan.items, share)
    offers = np.rint(np.linspace(_LOWEST, _HIGHEST, plan.items) * STAKE).astype(int)
    offer = np.stack([rng.permutation(offers) for _ in range(plan.people)])
    frame = np.resize([1, -1], plan.repetitions)
    norms = [Norm("fehr_schmidt", (float(value), plan.guilt), plan.rationality, plan.lapse) for value in envy]
    accept = [np.asarray(Policy.of(norm).table(jnp.asarray([STAKE])).accept, np.float64)[0] for norm in norms]
    genuine = np.exp(np.stack([own[offered] for own, offered in zip(accept, offer, strict=True)]))[..., None]
    led = np.where(frame > 0, 1 - plan.slip, plan.slip)
    chance = np.select([kind[:, None] == 0, kind[:, None] == 1], [genuine, 0.5], led)
    shape = (plan.people, plan.items, plan.repetitions)
    accepted = rng.random(shape) < chance
    every = np.broadcast_to(offer[..., None], shape)
    rows = (plan.people * plan.items, plan.repetitions)
    plays = evidence(np.full(rows, STAKE), every.reshape(rows), accepted.reshape(rows), offer_seen=False)
    return People(envy, kind, framed(plays, frame))


def _types(items: int, share: float) -> Int[np.ndarray, "item"]:
    """Types of so many items, with such a share of genuine ones; of an odd rest one more is a non-attitude."""
    genuine = round(items * share)
    tossed = (items - genuine + 1) // 2
    return np.repeat(np.arange(len(TYPES)), [genuine, tossed, items - genuine - tossed])


def _posteriors(plan: ResponseTypesStudy, people: People, share: float) -> Iterator[tuple[str, SampledPosterior]]:
    together = type(people.answers.plays)(*(column.reshape(plan.people, -1) for column in people.answers.plays))
    yield FACE_VALUE, infer(plan.family, together)
    yield SLIPS, infer(plan.family.unfix("lapse"), together)
    key = derive_key(plan.seed, "response-types", f"{share:g}", "posterior")
    family, method = ResponseTypes(base=plan.family, items=plan.items), Smc(populations=2, particles=plan.particles)
    yield SORTED, infer(family, people.answers, key=key, method=method, allow_disagreement=True)


def _estimates(
    posterior: SampledPosterior, envy: Float[np.ndarray, "person"], where: dict[str, object]
) -> Iterator[dict[str, object]]:
    """A line for each person; the interval's ends are those of envy, since the least share rises with it."""
    truth, ends = least_share(envy), least_share(posterior.interval("alpha", 0.9))
    mean = np.einsum("rcd,rcd->r", posterior.weights, least_share(posterior.theta["alpha"]))
    two = posterior.fit.u.shape[1] > 1
    r_hat = split_r_hat(np.asarray(posterior.fit.u)[..., :1])[:, 0] if two else np.full(len(envy), np.nan)
    for person, (low, high) in enumerate(ends):
        line = where | {"person": person, "truth": truth[person], "mean": mean[person]}
        line |= {"error": mean[person] - truth[person], "inside": float(low <= truth[person] <= high)}
        yield line | {"width": high - low, "r_hat": r_hat[person]}


def least_share(envy: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    """Smallest share that a person with such envy accepts.

    Example:
        >>> least_share(np.array([0.0, 0.5])).tolist()
        [0.0, 0.25]
    """
    return np.asarray(envy / (1 + 2 * envy))
