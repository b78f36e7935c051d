"""Offers in new currencies: findings, a table and figures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from envs.contexts import PSYCHOLOGICAL_DISTANCE
from experiments.out_of_distribution.model import CELL
from experiments.out_of_distribution.transfer_design import OutOfDistribution
from inference.discrete.priors import FLAT
from scai_irl.agents.transfer_agents import AS_LEARNED, MODEL, TRANSFER
from scai_irl.data.scai2023.published import RECORDED_ROWS
from scai_irl.io.intervals import bootstrap_interval
from scai_irl.measure.alignment import WITHIN
from scai_irl.report.captions import captioned
from scai_irl.report.drawing import COLOURS
from scai_irl.results.findings import Finding, mean_finding, number_with_interval

NEW = "How far from users are assistants in new currencies, if users keep their norm?"
SOURCE = "How far from users are assistants in the source currency?"
ASKING = "Does a warning, or a request for a reason, change the model's offers in new currencies?"
SEEN = "Do observations in more currencies reduce the gap in new currencies?"
_RECORDED = {"flat": "abroad, no prior", "altruistic": "abroad, altruistic prior"}


def transfer_findings(
    gaps: pd.DataFrame, by_seen: pd.DataFrame, plan: OutOfDistribution, backend: str
) -> list[Finding]:
    """Findings on each agent's gap in new currencies and in the source currency, with explanations.

    Args:
        gaps: Gaps by run (`experiments.out_of_distribution.model.ActedTables`).
        by_seen: Table from `experiments.out_of_distribution.currencies_seen.gaps_by_currencies_seen`.
        plan: The design.
        backend: Name of the backend.
    """
    home = plan.home
    away = gaps[gaps["currency"] != home]
    findings = [_of_cell(cell, runs, plan, backend, by_seen) for cell, runs in _cells(away)]
    if "altruistic" in plan.priors and MODEL not in plan.agents:
        findings += [_without_reasons(finding) for finding in findings if finding.row == "abroad, altruistic prior"]
    findings += [_in_source_currency(cell, runs) for cell, runs in _cells(gaps[gaps["currency"] == home])]
    return [*findings, *_asking(away, plan, backend), *_seen(by_seen)]


_Cell = tuple[str, str, bool, bool]


def _cells(gaps: pd.DataFrame) -> list[tuple[_Cell, pd.DataFrame]]:
    """Cells with their runs, sorted with agents first that expect norms to differ."""
    cells = [
        ((str(agent), str(prior), bool(reason), bool(warning)), runs)
        for (agent, prior, reason, warning), runs in gaps.groupby(["agent", "prior", "reason", "warning"], sort=False)
    ]
    return sorted(cells, key=lambda pair: (TRANSFER, MODEL, AS_LEARNED).index(pair[0][0]))


def _of_runs(gaps: pd.DataFrame) -> Float[np.ndarray, "run"]:
    """Mean gap of each run over its currencies."""
    return np.asarray(gaps.groupby("run")["gap"].mean().to_numpy(float))


def _row(cell: _Cell, place: str) -> dict[str, Any]:
    """Row of SCAI (2023), whose prompt always warned. Only the agent ``model`` gets warnings and gives reasons."""
    agent, prior, reason, warning = cell
    leans = {FLAT: "no prior", "altruistic": "altruistic prior"}.get(prior)
    name = f"{place}, {leans}" + (" and reason" if reason else "")
    recorded = RECORDED_ROWS.get(name) if warning or agent != MODEL else None
    return {"row": recorded.name, "recorded": recorded.gap} if recorded else {}


def _case(cell: _Cell) -> str:
    agent, prior, reason, warning = cell
    manner_of_asking = [word for word, is_so in (("with reason", reason), ("warned", warning)) if is_so]
    return ", ".join([f"{prior} prior", agent, *manner_of_asking])


def _of_cell(cell: _Cell, runs: pd.DataFrame, plan: OutOfDistribution, backend: str, by_seen: pd.DataFrame) -> Finding:
    agent, prior, _, _ = cell
    explanation = _why(agent, prior, plan, backend, by_seen)
    offered = number_with_interval(float(runs["offered"].mean()), np.nan, np.nan)
    answer = f"In new currencies, {_case(cell)}: assistants offer {offered}; the gap to users is {{value}}."
    case = f"new currencies, {_case(cell)}"
    return mean_finding(_of_runs(runs), question=NEW, case=case, answer=answer, why=explanation, **_row(cell, "abroad"))


def _why(agent: str, prior: str, plan: OutOfDistribution, backend: str, by_seen: pd.DataFrame) -> str:
    if agent == AS_LEARNED:
        return "It assumes one norm for all currencies. These users have one; had theirs changed, it would not notice."
    transfers = np.mean([plan.transfer_probability(currency) for currency in plan.all_currencies[1:]])
    rule = (
        f"It expects the norm to transfer this far with probability {transfers:.2f} (distances of currencies are an "
        "assumption). Otherwise it relies on the prior."
    )
    if agent == TRANSFER:
        one = by_seen[(by_seen["prior"] == prior) & (by_seen["seen"] == 1)]["gap"].mean()
        return (
            f"{rule} The expected gap is {one:.3f}. A Bayesian who expects norms to differ relies on its prior in new "
            "currencies. This is wrong here, because these users keep their norm. The runs of SCAI (2023) share one "
            "text and have a warning; here each run has its own text."
        )
    if backend == "phrasebook":
        return f"{rule} The phrasebook follows this rule, with or without a warning or a request for a reason."
    return "The agent 'transfer' is Bayesian; every difference from it is the model's own."


def _without_reasons(finding: Finding) -> Finding:
    """The same finding for the row with a reason, for agents that give no reasons."""
    row = RECORDED_ROWS["abroad, altruistic prior and reason"]
    return Finding(
        **{
            **vars(finding),
            "case": f"{finding.case}, no reason to give",
            "row": row.name,
            "recorded": row.gap,
            "why": "The number without a reason, since posterior samples give no reasons and no language model "
            "transferred a text (--agents model; organisms were not trained for this).",
        }
    )


def _in_source_currency(cell: _Cell, runs: pd.DataFrame) -> Finding:
    answer = f"In the source currency, {_case(cell)}: the gap between assistants and users is {{value}}."
    about = _row(cell, "at home") | {"why": "No transfer is needed, and the evidence outweighs any prior."}
    return mean_finding(_of_runs(runs), question=SOURCE, case=f"source currency, {_case(cell)}", answer=answer, **about)


def _asking(away: pd.DataFrame, plan: OutOfDistribution, backend: str) -> list[Finding]:
    """Findings on the difference of the gap with and without a warning or a reason, paired by run."""
    findings = []
    own = away[away["agent"] == MODEL]
    for factor, levels, subject in (
        ("warning", plan.warnings, "A warning"),
        ("reason", plan.reasons, "A request for a reason"),
    ):
        if own.empty or len(set(levels)) < 2:
            continue
        for prior, runs in own.groupby("prior", sort=False):
            by_run = runs.groupby(["run", factor])["gap"].mean().unstack()
            findings.append(
                mean_finding(
                    (by_run[True] - by_run[False]).to_numpy(float),
                    question=ASKING,
                    case=f"{factor}, {prior} prior",
                    answer=f"{subject} changes the gap by {{value}} ({prior} prior).",
                    why="The phrasebook is Bayesian, so the difference is exactly 0."
                    if backend == "phrasebook"
                    else "",
                )
            )
    return findings


def _seen(by_seen: pd.DataFrame) -> list[Finding]:
    """Findings on the expected gap after observations in one currency and in all."""
    findings = []
    for prior, lines in by_seen.groupby("prior", sort=False):
        for seen in dict.fromkeys((1, int(by_seen["seen"].max()))):
            runs = lines[lines["seen"] == seen]
            currencies = "currency" if seen == 1 else "currencies"
            findings.append(
                mean_finding(
                    _of_runs(runs),
                    question=SEEN,
                    case=f"{seen} {currencies}, {prior} prior",
                    answer=f"After observations in {seen} {currencies}, the expected gap is {{value}} ({prior} prior).",
                    why="An observer who sees the same norm in several currencies learns that norms transfer far.",
                )
            )
    return findings


def gaps_table(gaps: pd.DataFrame) -> pd.DataFrame:
    """Format gaps: a line for each agent, currency, prior, reason and warning."""
    lines = []
    for cell, runs in gaps.groupby(CELL, sort=False):
        gap = runs["gap"].to_numpy(float)
        known = runs["gap"].notna()
        columns = {name: _yes(value) for name, value in zip(CELL, cell, strict=True)}
        offered, users = (f"{runs[name].mean():.3f}" for name in ("offered", "users"))
        shares = {"assistants' share": offered, "users' share": users}
        mean = number_with_interval(float(runs["gap"].mean()), *bootstrap_interval(gap))
        aligned = f"{int((runs['gap'] <= WITHIN).sum())} of {int(known.sum())}"
        lines.append(columns | shares | {"gap [95 %]": mean, "within .05": aligned})
    return pd.DataFrame(lines)


@captioned
def distance_figure(gaps: pd.DataFrame) -> Figure:
    """Each line shows assistants' mean offer by psychological distance, for one prior. Dashed: users. Dotted: GPT-4.

    Bands are 95 % intervals over runs. GPT-4's offers are those of SCAI (2023) in new currencies. If the model is asked
    in several ways, its offers are averaged.
    """
    agents = list(dict.fromkeys(gaps["agent"]))
    figure = Figure(figsize=(3.6 * len(agents) + 1.6, 3.4), layout="constrained")
    panels = figure.subplots(1, len(agents), sharey=True, squeeze=False)[0]
    for axes, agent in zip(panels, agents, strict=True):
        own = gaps[gaps["agent"] == agent]
        for number, (prior, runs) in enumerate(own.groupby("prior", sort=False)):
            _line(axes, runs, "offered", COLOURS[number], str(prior))
            if prior in _RECORDED:
                recorded = RECORDED_ROWS[_RECORDED[str(prior)]].assistant
                axes.axhline(recorded, color=COLOURS[number], ls=":", lw=1.2)
        _line(axes, own, "users", "black", "users", style="--")
        names = sorted(own["currency"].unique(), key=PSYCHOLOGICAL_DISTANCE.__getitem__)
        axes.set_xticks([PSYCHOLOGICAL_DISTANCE[name] for name in names], names, rotation=35, ha="right", fontsize=8)
        axes.set_ylim(-0.03, 1.03)
        axes.set_title(agent, fontsize=10)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("offered share (95 % over runs)")
    _legend(figure, "prior (dotted: SCAI, 2023,\nno prior and altruistic)")
    return figure


@captioned
def seen_figure(by_seen: pd.DataFrame) -> Figure:
    """Each line shows the expected gap in new currencies by the number of observed currencies, for one prior."""
    figure = Figure(figsize=(4.6, 3.0), layout="constrained")
    axes = figure.subplots()
    for number, (prior, lines) in enumerate(by_seen.groupby("prior", sort=False)):
        mean = lines.groupby("seen")["gap"].mean()
        axes.plot(mean.index, mean, marker="o", ms=4, color=COLOURS[number], label=str(prior))
    axes.set_xticks(sorted(by_seen["seen"].unique()))
    axes.set_xlabel("currencies in which users were observed")
    axes.set_ylabel("expected gap in new currencies")
    axes.set_ylim(bottom=0)
    axes.spines[["top", "right"]].set_visible(False)
    _legend(figure, "prior")
    return figure


def _line(axes: Axes, runs: pd.DataFrame, column: str, colour: str, label: str, style: str = "-") -> None:
    points = []
    for currency, of_currency in runs.groupby("currency", sort=False):
        by_run = of_currency.groupby("run")[column].mean()
        ends = bootstrap_interval(by_run.to_numpy(float))
        points.append((PSYCHOLOGICAL_DISTANCE[str(currency)], float(by_run.mean()), *ends))
    place, mean, lower, upper = np.array(sorted(points)).T
    axes.plot(place, mean, ls=style, marker="o", ms=3, color=colour, label=label)
    axes.fill_between(place, lower, upper, color=colour, alpha=0.2, lw=0)


def _legend(figure: Figure, title: str) -> None:
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, title=title, fontsize=8, title_fontsize=8, loc="outside right upper")


def _yes(value: object) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
