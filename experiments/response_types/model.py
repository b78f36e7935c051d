r"""Preferences inferred from answers, some of which express no preference, with and without sorting by type.

A person with envy α (Fehr & Schmidt 1999) is asked whether she would accept an offer. Each item is repeated, in frames
that favour yes or no. She answers some items by her preference, some by tossing a coin, and some by the frame
(`inference.continuous.responses`). Her envy is inferred from

    all answers, taken at face value      her family alone, with the lapse of genuine answers
    all answers, slips inferred           her family alone, with a lapse that is inferred
    types sorted                          a mixture of the three types, items sorted by their consistency

The error is that of the smallest share that she accepts, x = α/(1 + 2α), where U(x) = x − α (1 − 2x) is 0.
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
    """Response types: preferences inferred with and without a model that separates genuine answers from others."""

    genuine: tuple[float, ...] = Field(
        (1.0, 0.8, 0.6, 0.4, 0.2),
        description="Shares of genuine items; the others are answered by coin or by frame.",
    )
    people: int = Field(100, ge=1, le=10_000, description="Number of people of each kind.")
    items: int = Field(24, ge=2, le=99, description="Number of items for each person, at offers from .02 to .50.")
    repetitions: int = Field(8, ge=1, le=1000, description="Number of repetitions of each item.")
    rationality: float = Field(15.0, gt=0, le=1e6, description="Rationality of genuine answers.")
    lapse: float = Field(0.02, ge=0, le=1, description="Lapse ε of genuine answers.")
    guilt: float = Field(0.3, ge=0, le=1, description="Guilt β; it is known.")
    slip: float = Field(0.1, ge=0, le=0.5, description="Probability that a framed answer goes against its frame.")
    particles: int = Field(200, ge=50, le=100_000, description="Particles of each of two populations.")

    @field_validator("genuine")
    @classmethod
    def _distinct_shares(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        for share in value:
            if not 0 < share <= 1:
                raise ValueError(f"{share:g} is no share of genuine items; give a number above 0 and at most 1")
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
        envy: α of each person.
        kind: Type of each item, as an index into `TYPES`. Types are the same for all people; offers are drawn anew.
        answers: Their answers, a row for each person and item.
    """

    envy: Float[np.ndarray, "person"]
    kind: Int[np.ndarray, "item"]
    answers: FramedEvidence


def infer_envy(plan: ResponseTypesStudy) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Infer each person's envy in three ways, and sort items by type.

    Returns:
        Two tables. Estimates have a line for each share of genuine items, person and way: ``truth`` and posterior
        ``mean`` of the smallest accepted share, ``error``, ``inside`` (1 if the 90 % interval contains the truth),
        ``width`` of the interval, and ``r_hat`` of envy if there are two populations of particles. Sorting has a line
        for each share of genuine items, person and type: ``right``, the share of items whose most probable type is
        correct.
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
    """Draw people from the prior of their family and simulate their answers."""
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
    """Types of the given number of items, with a share of genuine ones; of an odd rest, one more is a non-attitude."""
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
    """Lines of estimates, one for each person. The least share rises with envy, so envy's interval gives its own."""
    truth, ends = least_share(envy), least_share(posterior.interval("alpha", 0.9))
    mean = np.einsum("rcd,rcd->r", posterior.weights, least_share(posterior.theta["alpha"]))
    two = posterior.fit.u.shape[1] > 1
    r_hat = split_r_hat(np.asarray(posterior.fit.u)[..., :1])[:, 0] if two else np.full(len(envy), np.nan)
    for person, (low, high) in enumerate(ends):
        line = where | {"person": person, "truth": truth[person], "mean": mean[person]}
        line |= {"error": mean[person] - truth[person], "inside": float(low <= truth[person] <= high)}
        yield line | {"width": high - low, "r_hat": r_hat[person]}


def least_share(envy: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    """Smallest share that a person with the given envy accepts.

    Example:
        >>> least_share(np.array([0.0, 0.5])).tolist()
        [0.0, 0.25]
    """
    return np.asarray(envy / (1 + 2 * envy))
