"""What acting abroad shows, as findings."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Float

from experiments.out_of_distribution.model import AS_LEARNED, FLAT, MODEL, TRANSFER, Journey
from scai_irl.data.scai2023.published import RECORDED_ROWS
from scai_irl.results.findings import Finding, mean_finding, number_with_interval

ABROAD = "How far from users are assistants abroad, where users keep their norm?"
AT_HOME = "And at home?"
ASKING = "Does a warning, or a request for a reason, change what the model does abroad?"
SEEN = "Does it help abroad to have watched users in more goods?"


def abroad_findings(gaps: pd.DataFrame, by_seen: pd.DataFrame, plan: Journey, backend: str) -> list[Finding]:
    """Say how far off each agent is, and what explains it.

    Args:
        gaps: Gaps by run (`experiments.out_of_distribution.model.Found`).
        by_seen: What `experiments.out_of_distribution.currencies_seen.gaps_by_goods_seen` gives.
        plan: What was played.
        backend: Name of the backend.
    """
    home = plan.currencies[0]
    away = gaps[gaps["currency"] != home]
    found = [_of_cell(cell, runs, plan, backend, by_seen) for cell, runs in _cells(away)]
    if "altruistic" in plan.priors and MODEL not in plan.agents:
        found += [_without_reasons(finding) for finding in found if finding.row == "abroad, altruistic prior"]
    found += [_at_home(cell, runs) for cell, runs in _cells(gaps[gaps["currency"] == home])]
    return [*found, *_asking(away, plan, backend), *_seen(by_seen)]


_Cell = tuple[str, str, bool, bool]


def _cells(gaps: pd.DataFrame) -> list[tuple[_Cell, pd.DataFrame]]:
    """Cells with their runs; those agents first that know that norms may differ."""
    cells = [
        ((str(agent), str(prior), bool(reason), bool(warning)), runs)
        for (agent, prior, reason, warning), runs in gaps.groupby(["agent", "prior", "reason", "warning"], sort=False)
    ]
    return sorted(cells, key=lambda pair: (TRANSFER, MODEL, AS_LEARNED).index(pair[0][0]))


def _of_runs(gaps: pd.DataFrame) -> Float[np.ndarray, "run"]:
    """Gap of each run, its currencies taken together."""
    return np.asarray(gaps.groupby("run")["gap"].mean().to_numpy(float))


def _row(cell: _Cell, place: str) -> dict[str, Any]:
    """The predecessor's row, whose prompt always warned; only a model is warned, and only it gives reasons."""
    agent, prior, reason, warning = cell
    leans = {FLAT: "no prior", "altruistic": "altruistic prior"}.get(prior)
    name = f"{place}, {leans}" + (" and reason" if reason else "")
    beside = RECORDED_ROWS.get(name) if warning or agent != MODEL else None
    return {"row": beside.name, "recorded": beside.gap} if beside else {}


def _case(cell: _Cell) -> str:
    agent, prior, reason, warning = cell
    asked = [word for word, is_so in (("with reason", reason), ("warned", warning)) if is_so]
    return ", ".join([f"{prior} prior", agent, *asked])


def _of_cell(cell: _Cell, runs: pd.DataFrame, plan: Journey, backend: str, by_seen: pd.DataFrame) -> Finding:
    agent, prior, _, _ = cell
    told = _why(agent, prior, plan, backend, by_seen)
    offered = number_with_interval(float(runs["offered"].mean()), np.nan, np.nan)
    answer = f"Abroad, {_case(cell)}: assistants offer {offered} and are {{value}} away from users."
    return mean_finding(
        _of_runs(runs), question=ABROAD, case=f"abroad, {_case(cell)}", answer=answer, why=told, **_row(cell, "abroad")
    )


def _why(agent: str, prior: str, plan: Journey, backend: str, by_seen: pd.DataFrame) -> str:
    if agent == AS_LEARNED:
        return "It takes norms to be the same everywhere, which these users' is; where they change, it would not know."
    kept = np.mean([plan.kept(currency) for currency in plan.currencies[1:]])
    rule = (
        f"A norm is held to be carried this far with a chance of {kept:.2f} (places of goods are an assumption); for "
        "the rest there is the prior."
    )
    if agent == TRANSFER:
        one = by_seen[(by_seen["prior"] == prior) & (by_seen["seen"] == 1)]["gap"].mean()
        return (
            f"{rule} In expectation that makes {one:.3f}. Falling back on a prior where goods are new is what a "
            "Bayesian does who thinks that norms may differ; it is wrong here, since these users' norm does not. The "
            "recorded runs share one text and a warning; here each run has a text of its own."
        )
    if backend == "phrasebook":
        return f"{rule} The phrasebook acts by that rule, whatever it is warned of or asked for."
    return "What differs from 'transfer', which is a Bayesian's, is the model's own."


def _without_reasons(finding: Finding) -> Finding:
    """The row with a reason, for agents that give none: the same number."""
    row = RECORDED_ROWS["abroad, altruistic prior and reason"]
    return Finding(
        **{
            **vars(finding),
            "case": f"{finding.case}, no reason to give",
            "row": row.name,
            "recorded": row.gap,
            "why": "Draws from a posterior are not asked for reasons, and no language model was asked here to carry a "
            "text over (--agents model; organisms were not taught that), so this is the number without a reason.",
        }
    )


def _at_home(cell: _Cell, runs: pd.DataFrame) -> Finding:
    answer = f"At home, {_case(cell)}: assistants are {{value}} away from users."
    said = _row(cell, "at home") | {"why": "Nothing has to be carried, and the games outweigh any prior."}
    return mean_finding(_of_runs(runs), question=AT_HOME, case=f"at home, {_case(cell)}", answer=answer, **said)


def _asking(away: pd.DataFrame, plan: Journey, backend: str) -> list[Finding]:
    """Paired by run: what the gap is with, less what it is without."""
    found = []
    own = away[away["agent"] == MODEL]
    for factor, levels, said in (
        ("warning", plan.warnings, "A warning"),
        ("reason", plan.reasons, "A request for a reason"),
    ):
        if own.empty or len(set(levels)) < 2:
            continue
        for prior, runs in own.groupby("prior", sort=False):
            by_run = runs.groupby(["run", factor])["gap"].mean().unstack()
            found.append(
                mean_finding(
                    (by_run[True] - by_run[False]).to_numpy(float),
                    question=ASKING,
                    case=f"{factor}, {prior} prior",
                    answer=f"{said} changes the gap by {{value}} ({prior} prior).",
                    why="The phrasebook is a Bayesian: exactly nothing." if backend == "phrasebook" else "",
                )
            )
    return found


def _seen(by_seen: pd.DataFrame) -> list[Finding]:
    """The expected gap with one good and with all."""
    found = []
    for prior, lines in by_seen.groupby("prior", sort=False):
        for seen in dict.fromkeys((1, int(by_seen["seen"].max()))):
            runs = lines[lines["seen"] == seen]
            goods = "good" if seen == 1 else "goods"
            found.append(
                mean_finding(
                    _of_runs(runs),
                    question=SEEN,
                    case=f"{seen} {goods}, {prior} prior",
                    answer=f"With users watched in {seen} {goods}, a posterior draw is {{value}} away ({prior} prior).",
                    why="Who sees that a norm is kept from good to good learns that norms are carried far.",
                )
            )
    return found
