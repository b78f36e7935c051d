"""Compliance, satisfaction and conflicts of layered contracts: findings, tables and figures."""

from __future__ import annotations

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.figure import Figure

from envs.contracts import LAYERS
from experiments.layered_contracts.model import ALL, NEAR, PEOPLE, PREFERENCES, ROLES
from scai_irl.experiment.game_counts import interactions_as_text
from scai_irl.io.intervals import bootstrap_interval
from scai_irl.report.bands import Bands, bands_figure, with_interval
from scai_irl.report.captions import captioned
from scai_irl.report.drawing import COLOURS
from scai_irl.results.findings import Finding, mean_finding

_BINS = 5
_KEPT = "Do assistants respect the bounds of law and role?"
_REACHED = "Do offers reach people's targets, as far as bounds allow?"
_NAMED = "Are conflicts between layers detected, and is the binding layer named?"
_PROBABLE = "Is the probability of a conflict calibrated?"
_CALIBRATED = "Truths are sampled from the prior, so an exact posterior is calibrated."
_DRAWN = "Laws are sampled from a grid up to .25, floors up to .5, and targets up to 1."
_HIDDEN = "A target beyond a bound is never seen. Only other people's behaviour shows which of two bounds hides it."
_WHY = {
    ALL: "It acts by one sample of all layers. It misses bounds that no interaction shows, and targets that bounds "
    "hide.",
    PREFERENCES: "People's targets lie beyond bounds about as often as there are conflicts.",
    ROLES: "A floor says which offers are too low, but not which offers people want.",
    PEOPLE: "People sometimes slip; assistants do not.",
}


def contract_findings(done: pd.DataFrame, conflicts: pd.DataFrame) -> list[Finding]:
    """Findings on compliance, satisfaction and conflicts after the last interaction.

    Args:
        done: First table from `experiments.layered_contracts.model.serve_societies`.
        conflicts: Second table from it.
    """
    last = done[done["games"] == done["games"].max()]
    findings = []
    for question, measure, answer in (
        (_KEPT, "law", "With {service}, {{value}} of offers respect the law."),
        (_KEPT, "role", "With {service}, {{value}} of offers respect the floor of the role."),
        (
            _REACHED,
            "satisfied",
            f"With {{service}}, {{{{value}}}} of offers are within {NEAR} of the person's target within the bounds.",
        ),
    ):
        for service, runs in last.groupby("service", sort=False):
            about = {"question": question, "case": f"{service}, {measure}", "why": _WHY[str(service)]}
            findings.append(mean_finding(runs[measure].to_numpy(float), answer=answer.format(service=service), **about))
    return findings + _conflict_findings(conflicts) + _calibration_findings(conflicts)


def contract_table(done: pd.DataFrame) -> pd.DataFrame:
    """Format compliance and satisfaction: a line for each number of interactions and service."""
    measures = {"law": "keep to the law", "role": "keep to the role's floor"}
    measures |= {"satisfied": "satisfied", "satisfied_free": "satisfied where free"}
    lines = [
        [*where, *(with_interval(runs[measure]) for measure in measures)]
        for where, runs in done.groupby(["games", "service"], sort=False)
    ]
    return pd.DataFrame(lines, columns=["games", "service", *(f"{name} [95 %]" for name in measures.values())])


def conflict_table(conflicts: pd.DataFrame) -> pd.DataFrame:
    """Format conflicts after the last interaction: cases in which a layer binds in a role, and the share named."""
    last = conflicts[conflicts["games"] == conflicts["games"].max()]
    lines = []
    for (role, layer), cases in last.groupby(["role", "binds"]):
        named = last[(last["role"] == role) & (last["named"] == layer)]
        right = int((cases["named"] == layer).sum())
        probability = with_interval(cases.groupby("society")[f"p {layer}"].mean())
        lines.append([role, layer, len(cases), len(named), right, probability])
    names = ["role", "layer that counts", "cases", "named", "of these rightly", "probability where it counts [95 %]"]
    return pd.DataFrame(lines, columns=names)


def named_conflicts(conflicts: pd.DataFrame, society: int = 0) -> pd.DataFrame:
    """Table of the conflicts named in one society after the last interaction, with the truth."""
    last = conflicts[(conflicts["games"] == conflicts["games"].max()) & (conflicts["society"] == society)]
    lines = []
    for case in last[last["named"] != LAYERS[-1]].to_dict("records"):
        bound = "floor" if case["named"] == LAYERS[1] else "law"
        chance = f"{case['p ' + case['named']]:.3f}"
        truth = [case["binds"], f"{case[bound]:.2f}", f"{case['target']:.2f}"]
        lines.append([case["person"], case["role"], case["named"], chance, *truth])
    names = ["person", "role", "layer named", "probability", "layer that counts", "it asks for", "the person wants"]
    return pd.DataFrame(lines, columns=names)


@captioned
def contract_figure(done: pd.DataFrame) -> Figure:
    """Each line shows compliance with law or role, or satisfaction, under one service, by number of interactions."""
    long = done.melt(["society", "games", "service"], ["law", "role", "satisfied"], "measure", "value")
    titles = {"law": "keep to the law", "role": "keep to the role's floor", "satisfied": "reach what bounds leave"}
    long = long.assign(measure=long["measure"].map(titles), row="")
    shown = Bands("games", "value", "service", "measure", "row", "games in each role", "share of offers")
    return bands_figure(long, shown)


@captioned
def reliability_figure(conflicts: pd.DataFrame) -> Figure:
    """Each line shows the share of conflicts by their stated probability, after the fewest or the most interactions.

    Intervals are over societies, because the cases within a society are dependent.
    """
    figure = Figure(figsize=(4.8, 3.6), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="0.6", lw=1, ls=":")
    for number, games in enumerate(dict.fromkeys((conflicts["games"].min(), conflicts["games"].max()))):
        cases = conflicts[conflicts["games"] == games]
        stated = _stated(cases)
        bins = np.minimum((stated * _BINS).astype(int), _BINS - 1)
        table = pd.DataFrame({"society": cases["society"].to_numpy(), "stated": stated, "true": _true(cases)})
        of_societies = table.groupby([bins, "society"]).mean().groupby(level=0)
        mean = of_societies.mean()
        low, high = np.array([bootstrap_interval(some.to_numpy(float)) for _, some in of_societies["true"]]).T
        bars = np.clip([mean["true"] - low, high - mean["true"]], 0, None)
        colour, label, points = COLOURS[number], interactions_as_text(int(games)), "os"[number] + "-"
        axes.errorbar(mean["stated"], mean["true"], bars, fmt=points, ms=4, lw=1, capsize=2, color=colour, label=label)
    axes.set_xlabel("probability of a conflict")
    axes.set_ylabel("share of cases with one (95 %)")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(title="in each role", fontsize=8, title_fontsize=8, frameon=False)
    return figure


def _conflict_findings(conflicts: pd.DataFrame) -> list[Finding]:
    findings = []
    first, last = conflicts["games"].min(), conflicts["games"].max()
    cases = conflicts[conflicts["games"] == last]
    for layer in LAYERS[:2]:
        binds = (cases["binds"] == layer).groupby(cases["society"]).mean().to_numpy(float)
        answer = (
            f"The {layer} layer prevents people from reaching their targets in {{value}} of cases (a person in a role)."
        )
        about = {"question": _NAMED, "case": f"{layer} binds", "answer": answer, "why": _DRAWN}
        findings.append(mean_finding(binds, **about))
    for games in dict.fromkeys((first, last)):
        some = conflicts[conflicts["games"] == games]
        right = (some["named"] == some["binds"]).groupby(some["society"]).mean().to_numpy(float)
        games_seen = interactions_as_text(games)
        answer = f"After {games_seen} in each role, the correct layer is named in {{value}} of cases."
        findings.append(
            mean_finding(right, question=_NAMED, case=f"named after {games_seen}", answer=answer, why=_HIDDEN)
        )
    return findings


def _calibration_findings(conflicts: pd.DataFrame) -> list[Finding]:
    findings = []
    for games, cases in conflicts.groupby("games"):
        stated, true = _stated(cases), _true(cases)
        games_seen = interactions_as_text(int(str(games)))
        when, share = f"After {games_seen} in each role", true.mean()
        for case, values, answer in (
            (
                "bias",
                stated - true,
                f"{when}, the stated probability of a conflict exceeds the share of conflicts by {{value}}.",
            ),
            (
                "squared error",
                (stated - true) ** 2,
                f"{when}, the squared error of the stated probability is {{value}}.",
            ),
            (
                "squared error beyond its own",
                (stated - true) ** 2 - stated * (1 - stated),
                f"{when}, the squared error exceeds its expectation under the stated probability by {{value}}.",
            ),
        ):
            of_society = pd.Series(values).groupby(cases["society"].to_numpy()).mean().to_numpy(float)
            why = (
                f"{_CALIBRATED} The share of conflicts as a constant probability would have a squared error of "
                f"{share * (1 - share):.3f}."
            )
            about = {"question": _PROBABLE, "case": f"{case}, {games_seen}", "answer": answer, "why": why}
            findings.append(mean_finding(of_society, **about))
    return findings


def _stated(cases: pd.DataFrame) -> Float[np.ndarray, "case"]:
    return 1 - cases[f"p {LAYERS[-1]}"].to_numpy(float)


def _true(cases: pd.DataFrame) -> Float[np.ndarray, "case"]:
    return (cases["binds"] != LAYERS[-1]).to_numpy(float)
