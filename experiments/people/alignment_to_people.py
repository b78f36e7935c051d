"""Assistants that learn from one half of the people and are compared with the other half.

A family of social preferences is fitted to the answers of the first half. Each assistant samples one θ from the
posterior, receives its policy as a sentence, and answers offers by the sentence. Its acceptance rate is compared with
that of the second half, offer by offer.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.figure import Figure
from pydantic import Field, field_validator

from envs import Norm, Policy
from envs.seeds import derive_key, derive_seed
from experiments.people.fits import PREFERENCES, family_for
from inference import infer, thompson
from inference.checks.diagnostics import largest_r_hat
from inference.infer import CONTINUOUS_METHODS
from scai_irl.agents.assistant import Turn, give_answers, translate
from scai_irl.data.human.choices import RESPONDER, human_evidence, pooled, subjects
from scai_irl.experiment.config import ExperimentConfig, some_distinct
from scai_irl.experiment.model_options import LmConfig
from scai_irl.experiment.run_study import Model
from scai_irl.io.errors import InputError
from scai_irl.report.captions import captioned
from scai_irl.report.drawing import COLOURS
from scai_irl.results.findings import Finding

NAMED = ("selfish", "fair", "altruistic")
PEOPLE = "other people"
"""Kind that stands for the first half of the people: the distance that remains between two halves."""


_RESAMPLES = 500


class AlignedToPeople(LmConfig, ExperimentConfig):
    """Assistants that follow texts of fitted preferences, compared with other people and the three norms."""

    data: Path = Field(description="Folder from `scai-irl import human`, or a data file, with answers to offers.")
    source: str = Field("heffner", description="Data set of a data file: heffner or moblab.")
    families: tuple[str, ...] = Field(
        ("fehr-schmidt", "charness-rabin"), description="Families to fit: " + ", ".join(PREFERENCES) + "."
    )
    method: str = Field("nuts", description="Method of inference: nuts, laplace, smc, svi.")
    assistants: int = Field(100, ge=2, le=10_000, description="Assistants of each kind.")

    @field_validator("families")
    @classmethod
    def _known_families(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if name not in PREFERENCES:
                raise ValueError(f"unknown family {name!r}; there are {', '.join(PREFERENCES)}")
        return some_distinct(value, "family")


def halves(choices: pd.DataFrame, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Split answers to offers into two halves, at random by person.

    Raises:
        InputError: If fewer than four people answered offers.
    """
    answers = choices[(choices["role"] == RESPONDER) & choices["accepted"].notna()]
    people = int(subjects(answers).max()) + 1 if len(answers) else 0
    if people < 4:
        raise InputError(
            "data", f"answers of {people} people to offers", "give data with answers of at least four people"
        )
    first = np.random.default_rng(derive_seed(seed, "halves")).permutation(people) < people // 2
    learnt = first[subjects(answers)]
    return answers[learnt].reset_index(drop=True), answers[~learnt].reset_index(drop=True)


def acceptance(answers: pd.DataFrame) -> Float[np.ndarray, "person share"]:
    """Share of offers that each person accepts, at each offered share in order; NaN where there was no offer."""
    taken = answers.assign(person=subjects(answers), taken=answers["accepted"].astype(float))
    return np.asarray(taken.pivot_table(index="person", columns="offered_share", values="taken").to_numpy(float))


def aligned_answers(choices: pd.DataFrame, plan: AlignedToPeople, model: Model) -> pd.DataFrame:
    """Let assistants answer the offers that people got.

    Returns:
        A line for each kind of assistant and offered share. ``assistants`` and ``people`` (the second half) are
        acceptance rates, and ``distance`` is their difference. ``mean_low`` and ``mean_high`` are the 95 % bootstrap
        interval of the kind's mean distance, over people and over assistants. ``r_hat`` is the largest R̂ of a fitted
        family. Intervals of distances near 0 are biased upwards; the kind `PEOPLE` shows by how much.
    """
    first, second = halves(choices, plan.seed)
    shares = np.sort(second["offered_share"].unique())
    stake = int(second["stake"].iloc[0])
    policies_of_kind = {name: [Policy.of(Norm(name))] * plan.assistants for name in NAMED}
    agreement = {}
    for name in plan.families:
        policies_of_kind[name], agreement[name] = _drawn(first, name, plan)
    rates = {PEOPLE: acceptance(first)}
    for kind, policies in policies_of_kind.items():
        rates[kind] = _answers(kind, policies, np.rint(shares * stake).astype(int), stake, plan, model)
    of_people = acceptance(second)
    compared = [_compared(kind, rate, of_people, shares, plan.seed) for kind, rate in rates.items()]
    table = pd.concat(compared, ignore_index=True)
    return table.assign(r_hat=table["kind"].map(agreement).astype(float))


def alignment_findings(answers: pd.DataFrame, people: int, question: str) -> list[Finding]:
    """Findings on each kind's mean distance over offered shares, the nearest kind first.

    Args:
        answers: Table from `aligned_answers`.
        people: Number of people in the comparison.
        question: Question that the findings answer.
    """
    findings = []
    for kind, lines in answers.groupby("kind", sort=False):
        who = "The other half of the people" if kind == PEOPLE else f"Assistants with {kind} preferences"
        verb = "differs" if kind == PEOPLE else "differ"
        answer = f"{who} {verb} from people in {{value}} of their answers, averaged over offers."
        ends = float(lines["mean_low"].iloc[0]), float(lines["mean_high"].iloc[0])
        mean = float(lines["distance"].mean())
        findings.append(Finding(question, str(kind), answer, mean, *ends, people))
    return sorted(findings, key=lambda finding: finding.value)


def alignment_table(answers: pd.DataFrame) -> pd.DataFrame:
    """Format acceptance rates: a line for each offered share, a column for each kind."""
    shaped = answers.pivot_table(index="share", columns="kind", values="assistants", sort=False)
    shaped.insert(0, "people", answers.groupby("share")["people"].first())
    columns = {name: shaped[name].map("{:.3f}".format) for name in shaped}
    return pd.DataFrame(
        {"offered share": [f"{share:.2f}" for share in shaped.index]} | {k: v.to_numpy() for k, v in columns.items()}
    )


@captioned
def alignment_figure(answers: pd.DataFrame) -> Figure:
    """Each line shows the acceptance rate by offered share. Dashed: people. Solid: assistants."""
    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = figure.subplots()
    for number, (kind, lines) in enumerate(answers[answers["kind"] != PEOPLE].groupby("kind", sort=False)):
        axes.plot(lines["share"], lines["assistants"], color=COLOURS[number], marker="o", ms=3, label=str(kind))
    people = answers[answers["kind"] == PEOPLE]
    axes.plot(people["share"], people["people"], color="black", ls="--", lw=1.8, label="people")
    axes.set_xlabel("offered share")
    axes.set_ylabel("accepted")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(title="assistants with", fontsize=8, title_fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    return figure


def _drawn(answers: pd.DataFrame, family: str, plan: AlignedToPeople) -> tuple[list[Policy], float]:
    """Policies sampled from the posterior over people's preferences, and the posterior's largest R̂."""
    base, _ = family_for(answers, family)
    key = derive_key(plan.seed, "people", family)
    posterior = infer(
        base, pooled(human_evidence(answers)), key=key, method=CONTINUOUS_METHODS[plan.method], allow_disagreement=True
    )
    sampled = thompson(derive_key(plan.seed, "people", family, "draws"), posterior, plan.assistants)[0]
    return [posterior.hypotheses.policy(int(k)) for k in sampled], float(largest_r_hat(posterior).max())


def _answers(
    kind: str,
    policies: Sequence[Policy],
    offers: np.ndarray,
    stake: int,
    plan: AlignedToPeople,
    model: Model,
) -> Float[np.ndarray, "assistant share"]:
    seeds = [derive_seed(plan.seed, "people", kind, "translate", n) for n in range(len(policies))]
    texts = translate(model.backend, policies, seeds, model.tally, plan.style)
    places = [(n, k) for n in range(len(policies)) for k in range(len(offers)) if texts[n] is not None]
    turns = [
        Turn(str(texts[n]), "dollars", stake, derive_seed(plan.seed, "people", kind, "answer", n, k), int(offers[k]))
        for n, k in places
    ]
    answers = np.full((len(policies), len(offers)), np.nan)
    for place, answer in zip(places, give_answers(model.backend, turns, model.tally, plan.style), strict=True):
        answers[place] = np.nan if answer is None else float(answer)
    return answers


def _compared(
    kind: str,
    rates: Float[np.ndarray, "one share"],
    people: Float[np.ndarray, "one share"],
    shares: np.ndarray,
    seed: int,
) -> pd.DataFrame:
    rng = np.random.default_rng(derive_seed(seed, "people", kind, "bootstrap"))

    def again(values: np.ndarray) -> np.ndarray:
        return np.asarray(np.nanmean(values[rng.integers(len(values), size=len(values))], axis=0))

    distance = np.abs(np.nanmean(rates, axis=0) - np.nanmean(people, axis=0))
    resampled = np.stack([np.abs(again(rates) - again(people)) for _ in range(_RESAMPLES)])
    low, high = np.quantile(resampled.mean(axis=1), [0.025, 0.975])
    return pd.DataFrame(
        {
            "kind": kind,
            "share": shares,
            "assistants": np.nanmean(rates, axis=0),
            "people": np.nanmean(people, axis=0),
            "distance": distance,
            "mean_low": low,
            "mean_high": high,
        }
    )
