"""Service of groups: gaps by a plain count of each group's offers, and unreadable answers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from experiments.subgroups.group_service import GROUPS, KNOWN, POOLED, Assistant, SubgroupNorms, gaps, group_service
from experiments.subgroups.satisfaction import mean_offers
from experiments.subgroups.setup import policies_held
from scai_irl.backends.phrasebook.backend import Phrasebook
from scai_irl.experiment.run_study import Model
from scai_irl.lm.protocol import Completion, OnDone, Request

pytestmark = pytest.mark.slow

PLAN = SubgroupNorms(mixtures=("altruistic=0.5,selfish=0.5",), societies=4, users=8, games=(0, 1, 8), offers=3, seed=5)


class Silent(Phrasebook):
    """A phrasebook that cannot translate selfish policies."""

    def complete(self, requests: Sequence[Request], on_done: OnDone | None = None) -> list[Completion]:
        """Answer all other requests."""
        answers = super().complete(requests, on_done)
        return [
            Completion("")
            if "selfish" in request.messages[-1].content and '"translate"' in request.messages[-1].content
            else answer
            for request, answer in zip(requests, answers, strict=True)
        ]


@pytest.fixture(scope="module")
def measured() -> tuple[pd.DataFrame, pd.DataFrame]:
    return group_service(Model(Phrasebook()), PLAN)


def gap(table: pd.DataFrame, column: str = "gap", **where: object) -> float:
    for name, value in where.items():
        table = table[table[name] == value]
    assert len(table)
    return float(table[column].mean())


def test_group_norms_serve_firm_groups_and_one_norm_does_not(measured: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    service, recovery = measured
    for norm in ("altruistic", "selfish"):
        for games in (1, 8):
            assert gap(service, held="firmly", service=GROUPS, norm=norm, games=games) < 0.05
        assert gap(service, held="firmly", service=KNOWN, norm=norm) < 0.05
    assert gap(service, held="firmly", service=GROUPS, games=0) > 0.3
    assert gap(service, held="firmly", service=POOLED, games=8) > 0.4
    firm = recovery[recovery["held"] == "firmly"]
    assert (firm[["right", "ari"]] == 1).all(axis=None)
    assert (firm["groups"] == 2).all()
    assert set(recovery["games"]) == {1, 8}


def test_loose_groups_are_served_the_better_the_longer_they_play(measured: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    service, recovery = measured
    by_games = [gap(service, "policy_gap", held="loosely", service=GROUPS, games=games) for games in (0, 1, 8)]
    assert by_games[0] > by_games[1] > by_games[2]
    loose = recovery[recovery["held"] == "loosely"].groupby("games")["right"].mean()
    assert loose[8] > loose[1]
    assert (service.loc[service["service"] == KNOWN, "policy_gap"] == 0).all()


def test_a_gap_is_the_mean_over_a_groups_users() -> None:
    stakes = np.array([20, 50])
    means = mean_offers(policies_held("firmly"), stakes).mean(axis=1)
    where = ("users", "firmly", 0, 1, GROUPS)
    served = [Assistant(where, 0, np.array([3, 0, 1]), stakes), Assistant(where, 2, np.array([0, 0, 4]), stakes)]
    lines = {str(line["norm"]): line for line in gaps(served, np.array([0.1, 0.9]))}
    assert lines["selfish"]["gap"] == pytest.approx(abs(0.1 - means[0]))
    assert lines["selfish"]["policy_gap"] == 0
    assert lines["altruistic"]["gap"] == pytest.approx((abs(0.1 - means[2]) + 4 * abs(0.9 - means[2])) / 5)
    assert lines["altruistic"]["policy_gap"] == pytest.approx(abs(means[0] - means[2]) / 5)


def test_who_gets_no_words_has_no_gap() -> None:
    plan = SubgroupNorms(mixtures=PLAN.mixtures, held=("firmly",), societies=2, users=4, games=(4,), offers=2)
    model = Model(Silent())
    service, _ = group_service(model, plan)
    groups = service[service["service"] == GROUPS].set_index("norm")["gap"]
    assert groups["selfish"].isna().all()
    assert groups["altruistic"].notna().all()
    assert model.tally.missing > 0


def test_the_same_plan_gives_the_same_tables(measured: tuple[pd.DataFrame, pd.DataFrame]) -> None:
    for one, other in zip(measured, group_service(Model(Phrasebook()), PLAN), strict=True):
        pd.testing.assert_frame_equal(one, other)
