"""Majorities and minorities: expectations that are known in the limit of firm norms."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
import pandas as pd
import pytest

from experiments.subgroups.pooled_norms import GROUPS, ONE_MIXTURE, ONE_NORM, PreferenceGroups, serve_minorities
from experiments.subgroups.pooled_norms_figures import worst_groups
from experiments.subgroups.satisfaction import mean_offers
from experiments.subgroups.setup import STAKES, policies_held

PLAN = PreferenceGroups(shares=(0.5, 0.1), societies=6, users=10, games=8, seed=3)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def served() -> pd.DataFrame:
    return serve_minorities(PLAN)


def distance() -> float:
    means = mean_offers(policies_held("firmly"), np.arange(STAKES[0], STAKES[1] + 1)).mean(axis=1)
    return float(means[2] - means[0])


def groups_served(
    served: pd.DataFrame, service: str, firmness: str, share: float
) -> dict[Hashable, dict[Hashable, float]]:
    chosen = (served["service"] == service) & (served["held"] == firmness) & (served["minority"] == share)
    return served[chosen].groupby("group")[["gap", "satisfaction"]].mean().to_dict("index")


def test_of_firm_norms_each_way_of_serving_does_what_it_must(served: pd.DataFrame) -> None:
    groups = groups_served(served, GROUPS, "firmly", 0.1)
    for group in groups.values():
        assert group["gap"] < 1e-3
        assert group["satisfaction"] > 0.999
    one = groups_served(served, ONE_NORM, "firmly", 0.1)
    assert one["majority"]["gap"] < 1e-3
    assert one["minority"]["gap"] == pytest.approx(distance(), abs=1e-3)
    # After 160 interactions the shares of 9 and 1 in 10 are nearly known. The mixture offers their mean to everybody.
    mixture = groups_served(served, ONE_MIXTURE, "firmly", 0.1)
    assert mixture["majority"]["gap"] == pytest.approx(0.1 * distance(), abs=0.03)
    assert mixture["minority"]["gap"] == pytest.approx(0.9 * distance(), abs=0.03)
    assert mixture["minority"]["satisfaction"] == pytest.approx(0.1, abs=0.06)


def test_the_smaller_the_minority_the_worse_it_is_served_by_what_is_pooled(served: pd.DataFrame) -> None:
    for firmness in ("firmly", "loosely"):
        for service in (ONE_NORM, ONE_MIXTURE):
            small, half = (groups_served(served, service, firmness, share)["minority"] for share in (0.1, 0.5))
            assert small["gap"] > half["gap"]
            assert small["satisfaction"] < half["satisfaction"]
        worst = worst_groups(served[(served["held"] == firmness)]).groupby("service")["gap"].mean()
        assert worst[GROUPS] < worst[ONE_MIXTURE] < worst[ONE_NORM]


def test_worst_groups_are_those_with_the_larger_gap(served: pd.DataFrame) -> None:
    worst = worst_groups(served).set_index(["held", "minority", "service", "society"])
    plain = served.pivot_table("gap", ["held", "minority", "service", "society"], "group").max(axis=1)
    pd.testing.assert_series_equal(worst["gap"].sort_index(), plain.sort_index(), check_names=False)


def test_the_same_plan_gives_the_same_table(served: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(served, serve_minorities(PLAN))
