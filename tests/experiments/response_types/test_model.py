"""Response types: types of simulated answers, and the errors that sorting removes."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pandas as pd
import pytest

from envs import Norm, Policy
from experiments.response_types.model import (
    FACE_VALUE,
    SORTED,
    STAKE,
    ResponseTypesStudy,
    ask_people,
    infer_envy,
    least_share,
)
from inference import infer

pytestmark = pytest.mark.slow

PLAN = ResponseTypesStudy(genuine=(1.0, 0.4), people=24, items=20, repetitions=8, particles=80, seed=1)


@pytest.fixture(scope="module")
def tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    return infer_envy(PLAN)


def test_answers_are_of_the_types_that_they_are_said_to_be() -> None:
    plan = ResponseTypesStudy(people=300, items=12, repetitions=4, slip=0.1)
    people = ask_people(plan, 0.5)
    assert np.bincount(people.kind).tolist() == [6, 3, 3]
    accepted = people.answers.plays.accepted.reshape(plan.people, plan.items, plan.repetitions)
    offer = people.answers.plays.offer.reshape(accepted.shape)
    frame = people.answers.frame.reshape(accepted.shape)
    assert np.unique(frame[0, 0]).tolist() == [-1, 1]
    assert (np.sort(offer[..., 0], axis=1) == np.sort(offer[0, :, 0])).all()
    tossed, led = (accepted[:, people.kind == kind] for kind in (1, 2))
    assert tossed.mean() == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(tossed.size))
    follows = led == (frame[:, people.kind == 2] > 0)
    assert follows.mean() == pytest.approx(0.9, abs=4 * 0.3 / np.sqrt(led.size))
    expected = []
    for person in range(40):
        table = Policy.of(Norm("fehr_schmidt", (float(people.envy[person]), plan.guilt), plan.rationality, plan.lapse))
        chance = np.exp(np.asarray(table.table(jnp.asarray([STAKE])).accept[0]))
        expected.append(chance[offer[person, people.kind == 0]])
    genuine = accepted[:40, people.kind == 0]
    spread = np.sqrt((np.array(expected) * (1 - np.array(expected))).mean() / genuine.size)
    assert abs((genuine - np.array(expected)).mean()) < 4 * spread


def test_at_face_value_genuine_answers_are_calibrated() -> None:
    plan = ResponseTypesStudy(people=200, items=10, repetitions=2, seed=4)
    people = ask_people(plan, 1.0)
    plays = people.answers.plays
    posterior = infer(plan.family, type(plays)(*(column.reshape(plan.people, -1) for column in plays)))
    low, high = posterior.interval("alpha", 0.9).T
    inside = ((low <= people.envy) & (people.envy <= high)).mean()
    assert inside == pytest.approx(0.9, abs=3.5 * np.sqrt(0.09 / plan.people))


def test_sorting_removes_the_error_that_other_answers_cause(tables: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    estimates, placed = tables
    error = estimates["error"].abs().groupby([estimates["genuine"], estimates["way"]]).mean()
    assert error[1.0, SORTED] < 1.6 * error[1.0, FACE_VALUE]
    assert error[0.4, SORTED] < 0.6 * error[0.4, FACE_VALUE]
    inside = estimates.groupby(["genuine", "way"])["inside"].mean()
    assert inside[0.4, SORTED] > inside[0.4, FACE_VALUE] + 0.2
    right = placed.groupby(["genuine", "type"])["right"].mean()
    assert right[1.0, "genuine"] > 0.95
    assert right[0.4].min() > 0.5


def test_estimates_are_of_the_least_share_that_is_taken(tables: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    estimates, _ = tables
    np.testing.assert_allclose(estimates["error"], estimates["mean"] - estimates["truth"])
    envy = np.array([0.3, 1.0, 3.0])
    share = least_share(envy)
    np.testing.assert_allclose(share - envy * (1 - 2 * share), 0, atol=1e-12)
    assert estimates.loc[estimates["way"] == SORTED, "r_hat"].max() < 1.2
    assert estimates.loc[estimates["way"] == FACE_VALUE, "r_hat"].isna().all()
