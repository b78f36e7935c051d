"""Assistants only: without users to learn from, which norm do assistants come to hold?

A condition of Fränken et al. (2023). Without evidence a posterior stays at the prior; assistants that learn from each
other's games may drift to a norm that nobody had. Run it with ``scai-irl run assistants-only`` or ``python -m
experiments.group_norm assistants-only``.
"""

from __future__ import annotations

from pydantic import Field

from envs import one_group
from experiments.group_norm.setup import few_runs, group_game, group_study, play_group_game
from experiments.group_norm.spread import spread_findings
from scai_irl.experiment.config import PlayConfig
from scai_irl.experiment.definition import experiment
from scai_irl.experiment.run_study import Model
from scai_irl.report.study import Study


class AssistantsOnly(PlayConfig):
    """Assistants among themselves: their offers, and how far these differ, without any user."""

    group: tuple[str, ...] = Field(("0uu-0au-0ua-10aa",), description="Groups, of assistants alone.")
    agents: tuple[str, ...] = Field(
        ("thompson", "scai", "scai-memory"), description=PlayConfig.model_fields["agents"].description
    )


@experiment(
    "assistants-only",
    "assistants among themselves, without a user to learn from",
    config=AssistantsOnly,
    sample=few_runs,
)
def assistants_only(config: AssistantsOnly, model: Model) -> Study:
    """Play groups without users; report how far offers differ within a run and between runs."""
    setting = group_game(assistants_only.name, config, [one_group("fair")])  # no user of this population is met
    played = play_group_game(setting, config, model)
    question = "Which norm do assistants come to hold without a user to learn from?"
    return group_study(setting, played, spread_findings(played.interactions, question))
