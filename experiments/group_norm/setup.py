"""Shared set-up of the experiments on a group's norm: settings, studies and findings."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import TypeVar

import pandas as pd

from envs import Population, Schedule
from experiments.group_norm.unknown_norms import unknown_norms, warn_of_unknown_norms
from inference import make_family
from scai_irl.backends.embedded import is_organism
from scai_irl.data.scai2023.published import RECORDED_ROWS
from scai_irl.experiment.config import PlayConfig
from scai_irl.experiment.run_study import Model
from scai_irl.loop.belief_tables import beliefs_arviz
from scai_irl.loop.in_memory import PlayedSetting
from scai_irl.loop.run import play_or_resume, results_tables
from scai_irl.loop.setting import Condition, Setting
from scai_irl.report.drawing import epoch_figures
from scai_irl.report.study import Study
from scai_irl.report.tables import final_table
from scai_irl.results.findings import Finding, mean_finding
from scai_irl.results.manifest import Displayed

OF_ORGANISMS = dict.fromkeys(
    ("scai", "scai-memory"),
    "The organisms were trained on users who hold norms loosely. They write this into policies, so "
    "offers that follow these policies are less extreme.",
)
"""Explanation for agents whose policies are written by an organism."""

NORMS_OF_USERS = (
    "Norms, each shared by all users of a condition: selfish, fair, altruistic, or one of your own, such as offer=0.3 "
    "or fehr_schmidt:alpha=0.7,beta=0.1."
)
"""Help text of the option that names the users' norms."""

_PLAYED = 20  # runs of a dry run


def group_game(
    name: str, config: PlayConfig, populations: Sequence[Population], manners: Sequence[str] = ("",)
) -> Setting:
    """Make the setting with every agent, population, manner and group."""
    return Setting(
        experiment=name,
        seed=config.seed,
        conditions=tuple(Condition(*cell) for cell in product(populations, config.agents, manners)),
        schedules=tuple(Schedule.named(group) for group in config.group),
        runs=tuple(range(config.first_run, config.first_run + config.runs)),
        epochs=config.epochs,
        currencies=config.currencies,
        stakes=config.stakes,
        rationality=config.rationality,
        lapse=config.lapse,
        hypotheses=make_family(config.family, [config.rationality], [config.lapse]),
        style=config.style,
        users_by=config.users_by,
    )


def play_group_game(setting: Setting, config: PlayConfig, model: Model) -> PlayedSetting:
    """Run a setting, or continue it in the results folder, and add its calls to the model's tally."""
    warn_of_unknown_norms(setting)
    played = play_or_resume(setting, model.backend, config.out)
    model.tally.add(played.tally)
    return played


def group_study(setting: Setting, played: PlayedSetting, findings: Sequence[Finding]) -> Study:
    """Make the study of a run: its tables, figures, posterior and findings."""
    tables = results_tables(played)
    summary = tables["summary"]
    return Study(
        findings,
        tables=tables,
        shown={"summary": final_table(summary)},
        figures=epoch_figures(summary, played.beliefs),
        displayed=[Displayed(table="summary", title=f"{setting.experiment}, after epoch {setting.epochs}")],
        remarks=unknown_norms(setting),
        posterior=beliefs_arviz(setting, played.posteriors),
    )


def gap_findings(
    alignment: pd.DataFrame,
    model: Model,
    question: str,
    row: Callable[[str, str], str],
    why: Mapping[str, str],
    of_organisms: Mapping[str, str] = OF_ORGANISMS,
) -> list[Finding]:
    """Findings on each agent's mean gap in the last epoch, by cell, with the gap of SCAI (2023) if there is one.

    Args:
        alignment: Gaps by run and epoch.
        model: Language model that was asked.
        question: Question that the findings answer.
        row: Name of the row of SCAI (2023), given group and users. An unknown name gives no recorded gap.
        why: Explanation of an agent's numbers.
        of_organisms: Further explanation if an organism was asked.
    """
    if is_organism(model.name):  # asked, or replayed
        why = {
            agent: " ".join([why.get(agent, ""), of_organisms.get(agent, "")]).strip()
            for agent in {**why, **of_organisms}
        }
    last = alignment[alignment["epoch"] == alignment["epoch"].max()]
    findings = []
    for agent, of_agent in last.groupby("agent", sort=False):
        for (group, users), runs in of_agent.groupby(["group", "users"], sort=False):
            recorded = RECORDED_ROWS.get(row(str(group), str(users)))
            findings.append(
                mean_finding(
                    runs["gap"].to_numpy(float),
                    question=question,
                    case=f"{group}, {users} users, {agent}",
                    answer=f"Among {users} users ({group}), {agent} assistants are {{value}} from users' offers in "
                    "the last epoch.",
                    row=recorded.name if recorded else "",
                    recorded=recorded.gap if recorded else float("nan"),
                    why=why.get(str(agent), ""),
                )
            )
    return findings


P = TypeVar("P", bound=PlayConfig)


def few_runs(config: P) -> tuple[P, float]:
    """Sample for a dry run: the first runs, because prompts differ little between runs."""
    runs = min(config.runs, _PLAYED)
    return config.model_copy(update={"runs": runs}), config.runs / runs
