"""Assistants only: which norm do assistants adopt if there are no users to learn from?

This is a condition of Fränken et al. (2023). Without evidence a posterior stays at the prior. Assistants that learn
from each other may drift to a norm that no player had. Run it with ``scai-irl run assistants-only`` or ``python -m
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
    """Assistants without users: their offers, and the spread of these offers."""

    group: tuple[str, ...] = Field(("0uu-0au-0ua-10aa",), description="Groups that contain only assistants.")
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
    """Run groups without users; report the spread of offers within a run and between runs."""
    setting = group_game(
        assistants_only.name, config, [one_group("fair")]
    )  # no assistant meets a user of this population
    played = play_group_game(setting, config, model)
    question = "Which norm do assistants adopt without users to learn from?"
    return group_study(setting, played, spread_findings(played.interactions, question))
