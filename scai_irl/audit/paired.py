"""Comparison of two audits of the same battery, item by item."""

from __future__ import annotations

import numpy as np
import pandas as pd

from scai_irl.audit.scores import by_item
from scai_irl.io.intervals import bootstrap_interval
from scai_irl.measure.distances import total_variation


def compare_audits(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Compare the total variation (TV) distances of two audits to the exact posterior, item by item.

    Args:
        first: `AuditResult.judged` of one model.
        second: The same table of another model, over the same battery.

    Returns:
        One row for each channel and part that both have: the mean TV of each model, the difference (second − first)
        with a bootstrap interval over items, and the p-value of Wilcoxon's signed-rank test.
    """
    from scipy.stats import wilcoxon  # noqa: PLC0415 - it takes a third of a second to import

    one, other = (_tv_by_item(judged) for judged in (first, second))
    both = one.to_frame("first").join(other.rename("second"), how="inner").dropna()
    both["difference"] = both["second"] - both["first"]
    lines = []
    for (channel, part), rows in both.groupby(["channel", "part"], sort=False):
        gaps = rows["difference"].to_numpy(float)
        low, high = bootstrap_interval(gaps)
        p = float(wilcoxon(gaps).pvalue) if np.abs(gaps).max() > 0 else 1.0
        means = (float(rows["first"].mean()), float(rows["second"].mean()), float(gaps.mean()))
        lines.append((channel, part, *means, low, high, p, len(rows)))
    return pd.DataFrame(lines, columns=["channel", "part", "first", "second", "difference", "low", "high", "p", "n"])


def _tv_by_item(judged: pd.DataFrame) -> pd.Series:
    distances: dict[tuple[object, object, str], float] = {}
    for (channel, part), rows in judged.groupby(["channel", "part"], sort=False):
        tables = by_item(rows, ["believed", "exact"])
        names = sorted(rows["item"].unique())
        gaps = total_variation(tables["exact"], tables["believed"])
        distances |= {(channel, part, name): float(gap) for name, gap in zip(names, gaps, strict=True)}
    index = pd.MultiIndex.from_tuples(list(distances), names=["channel", "part", "item"])
    return pd.Series(list(distances.values()), index)
