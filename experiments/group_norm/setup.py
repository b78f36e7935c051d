"""What the experiments on a group's norm share: from a configuration and populations to a setting that runs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import product

from envs import Population, Schedule
from inference import make_family
from scai_irl.backends.embedded import is_organism
from scai_irl.backends.estimate import Estimate
from scai_irl.data.scai2023.published import RECORDED_ROWS
from scai_irl.experiment.config import PlayConfig
from scai_irl.loop.play_epochs import play_setting
from scai_irl.loop.run import Output, run_setting
from scai_irl.loop.setting import Condition, Setting
from scai_irl.results.findings import Finding, mean_finding
from scai_irl.results.folder import default_folder
from scai_irl.results.results import Results

OF_ORGANISMS = dict.fromkeys(
    ("scai", "scai-memory"),
    "The small models that come along were raised among users who hold norms loosely, and write that into policies, so "
    "offers that follow them are less extreme.",
)
"""Why agents differ that have an organism write policies."""

_PLAYED = 20  # runs that are played to say what more of them would cost; prompts differ little from run to run


def group_game(
    name: str, config: PlayConfig, populations: Sequence[Population], manners: Sequence[str] = ("",)
) -> Setting:
    """Make the setting in which every agent plays among every population, in every manner and group."""
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


def run_group_game(
    setting: Setting, config: PlayConfig, found: Callable[[Results], Sequence[Finding]] = lambda _: ()
) -> Results:
    """Play a setting, or go on with it, and keep the results and what they show."""
    written = config.model_dump(mode="json")
    folder = config.out or default_folder(setting.experiment, written)
    with contextlib.closing(config.open_backend()) as backend:
        return run_setting(setting, backend, Output(folder, written, config.budget), found)


def gap_findings(
    results: Results,
    question: str,
    row: Callable[[str, str], str],
    why: Mapping[str, str],
    of_organisms: Mapping[str, str] = OF_ORGANISMS,
) -> list[Finding]:
    """What each agent's assistants come to in the last epoch, cell by cell, beside what was recorded.

    Args:
        results: The results.
        question: What was asked.
        row: Name of the predecessor's row, given group and users; one that there is not stands alone.
        why: What explains an agent's numbers.
        of_organisms: What explains them, too, where one of the small models that come along was asked.
    """
    if is_organism(results.manifest.model):  # asked, or replayed
        why = {
            agent: " ".join([why.get(agent, ""), of_organisms.get(agent, "")]).strip()
            for agent in {**why, **of_organisms}
        }
    last = results.alignment[results.alignment["epoch"] == results.alignment["epoch"].max()]
    found = []
    for agent, of_agent in last.groupby("agent", sort=False):
        for (group, users), runs in of_agent.groupby(["group", "users"], sort=False):
            beside = RECORDED_ROWS.get(row(str(group), str(users)))
            found.append(
                mean_finding(
                    runs["gap"].to_numpy(float),
                    question=question,
                    case=f"{group}, {users} users, {agent}",
                    answer=f"Among {users} users ({group}), {agent} assistants end {{value}} from what users offer.",
                    row=beside.name if beside else "",
                    recorded=beside.gap if beside else float("nan"),
                    why=why.get(str(agent), ""),
                )
            )
    return found


def estimate_group_game(setting: Setting, config: PlayConfig) -> Estimate:
    """Say what playing a setting would cost; of many runs the first are played, and stand for all."""
    few = replace(setting, runs=setting.runs[:_PLAYED])
    return config.estimate(lambda backend: play_setting(few, backend), times=len(setting.runs) / len(few.runs))


def estimate_whole(setting: Setting, config: PlayConfig, cells: int) -> Estimate:
    """Say what so many cells like a setting would cost, where what they vary leaves prompts as long as they are.

    Args:
        setting: One of the cells; of many runs the first are played, and stand for all.
        config: The configuration.
        cells: How many such cells there are. What two of them ask in the same words counts twice, and is asked once.
    """
    few = replace(setting, runs=setting.runs[:_PLAYED])
    times = cells * len(setting.runs) / len(few.runs)
    return config.estimate(lambda backend: play_setting(few, backend), times)
