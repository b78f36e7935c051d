"""Assistants that answer as people do: people who follow a family are recovered, and people are split fairly."""

from __future__ import annotations

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from envs import Norm, Policy
from experiments.people.alignment_to_people import (
    PEOPLE,
    AlignedToPeople,
    acceptance,
    aligned_answers,
    alignment_figure,
    alignment_findings,
    alignment_table,
    halves,
)
from scai_irl.backends.phrasebook.backend import Phrasebook
from scai_irl.data.human.choices import CHOICE_COLUMNS, subjects, typed
from scai_irl.experiment.run_study import Model
from scai_irl.io.errors import InputError

ENVIOUS = Policy.of(Norm("fehr_schmidt", (1.5, 0.0), 20.0, 0.05))
PLAN = AlignedToPeople(data=Path("nowhere"), families=("fehr-schmidt",), method="laplace", assistants=60, seed=4)


def people(number: int) -> pd.DataFrame:
    """Answers to offers of 1 to 5 in 10 by people who envy."""
    table = ENVIOUS.table(jnp.asarray([10]))
    accept = np.exp(np.asarray(table.accept[0]))
    offers = np.tile(np.arange(1, 6), number)
    taken = np.asarray(jax.random.uniform(jax.random.key(1), offers.shape)) < accept[offers]
    rows = {
        "study": "s",
        "subject": np.repeat([f"p{n}" for n in range(number)], 5),
        "trial": np.tile(np.arange(5), number),
        "role": "responder",
        "stake": 10,
        "offer": offers,
        "offered_share": offers / 10,
        "accepted": taken,
    }
    return typed(pd.DataFrame(rows), CHOICE_COLUMNS)


def test_halves_share_nobody_and_lose_nobody() -> None:
    first, second = halves(people(21), seed=0)
    mine, theirs = set(first["subject"]), set(second["subject"])
    assert not mine & theirs
    assert len(mine) == 10
    assert len(theirs) == 11
    assert not halves(people(21), seed=1)[0]["subject"].equals(first["subject"])
    with pytest.raises(InputError, match="answers of 3 people"):
        halves(people(3), seed=0)


def test_acceptance_is_by_person_and_share() -> None:
    table = people(3)
    rates = acceptance(table)
    assert rates.shape == (3, 5)
    assert rates == pytest.approx(table["accepted"].to_numpy(float).reshape(3, 5))
    assert np.isnan(acceptance(table.iloc[1:])[0, 0])


def test_an_assistant_that_follows_the_fitted_family_answers_as_people_do() -> None:
    answers = aligned_answers(people(120), PLAN, Model(Phrasebook()))
    findings = {finding.case: finding for finding in alignment_findings(answers, 60, "?")}
    assert findings["fehr-schmidt"].value < 0.1
    assert findings["fehr-schmidt"].value < findings["selfish"].value / 3
    assert findings[PEOPLE].value < 0.1
    by_kind = answers.set_index("kind")
    lines = by_kind.loc["fehr-schmidt"]
    assert lines["people"].to_numpy() == pytest.approx(
        np.nanmean(acceptance(halves(people(120), PLAN.seed)[1]), axis=0)
    )
    assert lines["distance"].to_numpy() == pytest.approx((lines["assistants"] - lines["people"]).abs().to_numpy())
    assert alignment_table(answers)["people"].iloc[0] == f"{lines['people'].iloc[0]:.3f}"
    assert (lines["r_hat"] >= 0.9).all()
    assert answers[answers["kind"] == "selfish"]["r_hat"].isna().all()  # nothing was fitted
    assert len(subjects(people(120))) == 600
    assert len(alignment_figure(answers).axes) == 1
