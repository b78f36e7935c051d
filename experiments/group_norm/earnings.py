"""Earnings and refusals of users and assistants when they meet: findings, a table and a figure."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from scai_irl.report.captions import captioned
from scai_irl.report.drawing import COLOURS
from scai_irl.results.findings import Finding, mean_finding, number_with_interval

_KEYS = ["users", "agent", "strict"]
MEASURES = {
    "assistant_earns": "assistants earn",
    "user_earns": "users earn",
    "user_refuses": "users refuse",
    "assistant_refuses": "assistants refuse",
}
"""Descriptions of the measures, which are shares of the stake or of offers."""


def earnings_by_run(interactions: pd.DataFrame) -> pd.DataFrame:
    """Shares of the stake that each side earns when a user and an assistant meet, by run, over all epochs.

    Args:
        interactions: Table of interactions, with a column ``strict``.

    Returns:
        Columns users, agent, strict, run and `MEASURES`. Refusals are shares of the offers made to that side. NaN where
        a side got no offer.
    """
    met = interactions[(interactions["proposer"] != interactions["responder"]) & interactions["accepted"].notna()]
    share, taken = met["offered_share"].to_numpy(float), met["accepted"].to_numpy(bool)
    proposes = (met["proposer"] == "assistant").to_numpy()
    for_proposer, for_responder = taken * (1 - share), taken * share
    scored = met.assign(
        assistant_earns=np.where(proposes, for_proposer, for_responder),
        user_earns=np.where(proposes, for_responder, for_proposer),
        user_refuses=np.where(proposes, ~taken, np.nan),
        assistant_refuses=np.where(proposes, np.nan, ~taken),
    )
    return scored.groupby([*_KEYS, "run"], sort=False)[list(MEASURES)].mean().reset_index()


def earnings_findings(earned: pd.DataFrame, question: str) -> list[Finding]:
    """Findings on earnings of both sides and on refusals of assistants, averaged over groups of users within a run."""
    findings = []
    by_run = earned.groupby(["agent", "strict", "run"], sort=False)[list(MEASURES)].mean().reset_index()
    for keys, runs in by_run.groupby(["agent", "strict"], sort=False):
        who = variant(keys)
        for name in ("assistant_earns", "user_earns", "assistant_refuses"):
            answer = f"With {who}, {MEASURES[name]} {{value}} of {'offers' if 'refuse' in name else 'the stake'}."
            case = f"{who}, {name.replace('_', ' ')}"
            findings.append(mean_finding(runs[name].to_numpy(float), question=question, case=case, answer=answer))
    return findings


def earnings_table(earned: pd.DataFrame) -> pd.DataFrame:
    """Format earnings: a line for each group of users and variant."""
    lines = []
    for (users, agent, strict), runs in earned.groupby(_KEYS, sort=False):
        cells = [mean_finding(runs[name].to_numpy(float), question="?", case="", answer="{value}") for name in MEASURES]
        numbers = [number_with_interval(cell.value, cell.low, cell.high) for cell in cells]
        lines.append([users, agent, "yes" if strict else "no", *numbers])
    return pd.DataFrame(lines, columns=["users", "agent", "strict", *MEASURES.values()])


@captioned
def earnings_figure(earned: pd.DataFrame) -> Figure:
    """Dots show the mean of each measure (± 1 SEM over runs), by variant of the assistant. Each panel is one norm."""
    groups = list(dict.fromkeys(earned["users"]))
    figure = Figure(figsize=(3.2 * len(groups) + 1.6, 3.4), layout="constrained")
    panels = figure.subplots(1, len(groups), sharey=True, squeeze=False)[0]
    for axes, users in zip(panels, groups, strict=True):
        variants = earned[earned["users"] == users].groupby(["agent", "strict"], sort=False)
        names = [variant(keys).removesuffix(" assistants") for keys, _ in variants]
        for number, (measure, description) in enumerate(MEASURES.items()):
            at = np.arange(len(names)) + 0.15 * (number - 1.5)
            spread = variants[measure]
            axes.errorbar(
                at,
                spread.mean(),
                spread.sem(),
                ls="",
                marker="o",
                ms=4,
                capsize=2,
                color=COLOURS[number],
                label=description,
            )
        axes.set_xticks(range(len(names)), names, rotation=40, ha="right", fontsize=8)
        axes.set_title(f"{users} users", fontsize=10)
        axes.set_ylim(-0.03, 1.03)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("share of the stake, or of offers")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, fontsize=8, loc="outside right upper")
    return figure


def variant(keys: tuple[Hashable, ...]) -> str:
    """Name a variant by its agent and strictness, such as ``strict thompson assistants``."""
    agent, strict = keys
    return f"{'strict ' if strict else ''}{agent} assistants"
