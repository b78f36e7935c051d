"""What the two sides earn when users and assistants meet, and how often they come to nothing."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
import pandas as pd

from scai_irl.results.findings import Finding, mean_finding, number_with_interval

_KEYS = ["users", "agent", "strict"]
MEASURES = {
    "assistant_earns": "assistants earn",
    "user_earns": "users earn",
    "user_refuses": "users refuse",
    "assistant_refuses": "assistants refuse",
}
"""Measures in words: shares of the stake, and shares of offers."""


def earnings_by_run(interactions: pd.DataFrame) -> pd.DataFrame:
    """Shares of the stake that each side earns where user and assistant meet, over all epochs, run by run.

    Args:
        interactions: Table of interactions, with a column ``strict``.

    Returns:
        Columns users, agent, strict, run and `MEASURES`; a refusal is a share of the offers made to that side. NaN
        where a side got no offer.
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
    """What both sides earn, and how often assistants refuse, averaged over groups of users within a run."""
    found = []
    by_run = earned.groupby(["agent", "strict", "run"], sort=False)[list(MEASURES)].mean().reset_index()
    for keys, runs in by_run.groupby(["agent", "strict"], sort=False):
        who = variant(keys)
        for name in ("assistant_earns", "user_earns", "assistant_refuses"):
            answer = f"With {who}, {MEASURES[name]} {{value}} of {'offers' if 'refuse' in name else 'the stake'}."
            case = f"{who}, {name.replace('_', ' ')}"
            found.append(mean_finding(runs[name].to_numpy(float), question=question, case=case, answer=answer))
    return found


def earnings_table(earned: pd.DataFrame) -> pd.DataFrame:
    """Shape earnings for reading, a line for each group of users and variant."""
    lines = []
    for (users, agent, strict), runs in earned.groupby(_KEYS, sort=False):
        cells = [mean_finding(runs[name].to_numpy(float), question="?", case="", answer="{value}") for name in MEASURES]
        told = [number_with_interval(cell.value, cell.low, cell.high) for cell in cells]
        lines.append([users, agent, "yes" if strict else "no", *told])
    return pd.DataFrame(lines, columns=["users", "agent", "strict", *MEASURES.values()])


def variant(keys: tuple[Hashable, ...]) -> str:
    """Name an agent and its strictness: ``strict thompson assistants``."""
    agent, strict = keys
    return f"{'strict ' if strict else ''}{agent} assistants"
