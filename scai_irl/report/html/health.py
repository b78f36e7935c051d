"""Failures, cost and diagnostics of a results folder."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from scai_irl.lm.ask import ASKED_AGAIN
from scai_irl.report.html.inline_figures import ShownFigure
from scai_irl.report.html.inline_tables import ShownTable, shown_table
from scai_irl.report.html.numbers import number
from scai_irl.results.findings import FINDINGS
from scai_irl.results.results import Results

_TELLING = re.compile(r"diverg|outside|inside|disagree|fail|reject|refus", re.IGNORECASE)
_COST = ("calls", "prompt_tokens", "completion_tokens", "seconds")
_FAILED = ("unreadable", "missing")
_MOST = 30
_R_HAT = re.compile(r"(largest_|max_)?r_?hat", re.IGNORECASE)
_PARETO = re.compile(r"pareto_k(hat)?", re.IGNORECASE)
_AGREE, _RELIABLE = 1.01, 0.7  # Vehtari et al. 2021 (R̂); Vehtari, Gelman & Gabry 2017 (k̂)


@dataclass(frozen=True)
class Health:
    """Lines and tables on diagnostics, failures and cost."""

    diagnostics: tuple[str, ...]
    diagnosed: tuple[ShownTable, ...]
    failures: tuple[str, ...]
    failed: tuple[ShownTable, ...]
    cost: tuple[str, ...]
    costs: tuple[ShownTable, ...]


def health_of(results: Results, figures: Sequence[ShownFigure]) -> Health:
    """Collect the diagnostics, failures and cost of a results folder.

    Args:
        results: The folder.
        figures: Its figures.
    """
    tables, counts = results.tables, results.manifest.counts
    diagnosed = [
        shown_table(table, name.replace("_", " ").capitalize(), _MOST, (f"{name}.parquet",))
        for name, table in tables.items()
        if (name == "warnings" or "diagnos" in name)
        and len(table)
        and not (results.path / f"{name}.csv").exists()  # otherwise it is among the tables
    ]
    failed = []
    if "unread" in tables and len(tables["unread"]):
        failed.append(shown_table(tables["unread"], "Entries that could not be read", _MOST, ("unread.parquet",)))
    costs = _by_condition(tables.get("costs"))
    if costs is not None and (costs[[*_FAILED]] > 0).any(axis=None):
        bad = costs[(costs[[*_FAILED]] > 0).any(axis=1)][["condition", "calls", *_FAILED]]
        failed.append(shown_table(bad, "Unreadable and missing answers by condition", _MOST))
    spent = [name for name in _COST if counts.get(name)]
    by_condition = [] if costs is None else [costs[["condition", *[name for name in _COST if name in costs]]]]
    return Health(
        diagnostics=tuple(_diagnostics(results)),
        diagnosed=tuple(diagnosed),
        failures=(*_failures(results), *_not_shown(figures)),
        failed=tuple(failed),
        cost=tuple(f"{counts[name]:,} {name.replace('_', ' ')}" for name in spent),
        costs=tuple(
            shown_table(_counted(part), "Cost by condition", files=("costs.parquet",)) for part in by_condition
        ),
    )


def _diagnostics(results: Results) -> list[str]:
    """Lines with counts and diagnostics; each diagnostic is compared with its bound."""
    counts = results.manifest.counts
    lines = [f"{count:,} {name.replace('_', ' ')}" for name, count in counts.items() if _TELLING.search(name)]
    for name, table in results.tables.items():
        for pattern, bound, what in ((_R_HAT, _AGREE, "R̂"), (_PARETO, _RELIABLE, "Pareto k̂")):
            for column in table:
                if pattern.fullmatch(str(column)) and table[column].dtype.kind == "f" and table[column].notna().any():
                    worst = float(table[column].max())
                    verdict = "at most" if worst <= bound else "above"
                    lines.append(f"largest {what} in {name}: {number(worst)}, {verdict} {bound:g}")
        if "inside" in table and table["inside"].dtype == bool:
            lines.append(f"{int(table['inside'].sum())} of {len(table)} numbers in {name} inside the 95 % envelope")
    return lines


def _failures(results: Results) -> list[str]:
    manifest, counts = results.manifest, results.manifest.counts
    lines = []
    if manifest.status != "finished":
        lines.append("The run has not finished. This section shows what it has so far.")
    if any(counts.get(name) for name in _FAILED):
        unreadable, missing = (counts.get(name, 0) for name in _FAILED)
        lines.append(
            f"{unreadable:,} of {counts.get('calls', 0):,} answers could not be read and were requested again, at most "
            f"{ASKED_AGAIN} times; {missing:,} requests were left without an answer that can be read."
        )
    troubles = sorted((what, times) for what, times in manifest.service.items() if times)
    lines += [f"Service: {times:,} {what.replace('_', ' ')}" for what, times in troubles]
    findings = results.tables.get(FINDINGS)
    if findings is not None and "value" in findings and findings["value"].isna().any():
        lines.append(f"{int(findings['value'].isna().sum())} of {len(findings)} findings have no number.")
    if "unread" in results.tables and len(results.tables["unread"]):
        lines.append(f"{len(results.tables['unread']):,} entries of the data could not be read.")
    return lines


def _not_shown(figures: Sequence[ShownFigure]) -> list[str]:
    lost = [figure.name for figure in figures if not figure.drawing and not figure.image]
    return [f"Figures that could not be shown: {', '.join(lost)}."] if lost else []


def _by_condition(costs: pd.DataFrame | None) -> pd.DataFrame | None:
    """Sum over epochs, by condition."""
    if costs is None or not {"condition", "calls", *_FAILED} <= set(costs) or costs.empty:
        return None
    numbers = [name for name in (*_COST, *_FAILED) if name in costs and costs[name].dtype.kind in "iu"]
    return costs.groupby("condition", sort=False)[numbers].sum().reset_index()


def _counted(table: pd.DataFrame) -> pd.DataFrame:
    shown = {str(name): [f"{n:,}" for n in table[name]] for name in table if table[name].dtype.kind in "iu"}
    return table.assign(**shown)
