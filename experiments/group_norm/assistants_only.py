"""Assistants only: without a user to learn from, what do assistants come to hold?

A condition of Fränken et al. (2023). A posterior without evidence stays the prior; assistants who learn from each
other's games may drift to a norm that nobody had. Run it with ``scai-irl run assistants-only`` or ``python -m
experiments.group_norm.assistants_only``.
"""

from __future__ import annotations

from pydantic import Field

from envs import one_group
from experiments.group_norm.setup import estimate_group_game, group_game, run_group_game
from experiments.group_norm.spread import spread_findings
from scai_irl.backends.estimate import Estimate
from scai_irl.cli.main import run_experiment
from scai_irl.experiment.config import PlayConfig
from scai_irl.experiment.definition import Experiment
from scai_irl.loop.setting import Setting
from scai_irl.results.findings import Finding
from scai_irl.results.results import Results


class AssistantsOnly(PlayConfig):
    """Assistants among themselves: what they come to offer, and how far they differ, without any user."""

    group: tuple[str, ...] = Field(("0uu-0au-0ua-10aa",), description="Groups, of assistants alone.")
    agents: tuple[str, ...] = Field(
        ("thompson", "scai", "scai-memory"), description=PlayConfig.model_fields["agents"].description
    )


def setting(config: AssistantsOnly) -> Setting:
    """Make the setting; its population is never met."""
    return group_game(EXPERIMENT.name, config, [one_group("fair")])


def run(config: AssistantsOnly) -> Results:
    """Run the experiment."""
    return run_group_game(setting(config), config, findings)


def findings(results: Results) -> list[Finding]:
    """Say how far assistants differ at the end, within a run and between runs."""
    return spread_findings(results.interactions, "What do assistants come to hold without a user to learn from?")


def estimate(config: AssistantsOnly) -> Estimate:
    """Say what it would cost."""
    return estimate_group_game(setting(config), config)


EXPERIMENT = Experiment(
    "assistants-only", "assistants among themselves, without a user to learn from", AssistantsOnly, run, estimate
)

if __name__ == "__main__":
    run_experiment(EXPERIMENT)
