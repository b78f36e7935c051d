"""Inconsistent language: do users who talk at odds with their norm slow assistants down?

An experiment of Fränken et al. (2023), whose cells had different prompts. Here all cells have the same, users do the
same in every manner, and what differs is what they say. Run it with ``scai-irl run inconsistent-language`` or
``python -m experiments.group_norm.inconsistent_language``.
"""

from __future__ import annotations

from pydantic import Field, field_validator

from envs import MANNERS, one_group
from experiments.group_norm.setup import estimate_group_game, gap_findings, group_game, run_group_game
from scai_irl.backends.estimate import Estimate
from scai_irl.cli.main import run_experiment
from scai_irl.experiment.config import PlayConfig, known_manners, norm_without_parameters, some_distinct
from scai_irl.experiment.definition import Experiment
from scai_irl.loop.setting import Setting
from scai_irl.results.findings import Finding
from scai_irl.results.results import Results


class InconsistentLanguage(PlayConfig):
    """Inconsistent language: users of every norm talk in every manner, and assistants learn from them."""

    users: tuple[str, ...] = Field(("selfish", "fair", "altruistic"), description="Norms, each shared by all users.")
    manners: tuple[str, ...] = Field(MANNERS, description=f"How users talk: {', '.join(MANNERS)}.")
    group: tuple[str, ...] = Field(("1v9",), description=PlayConfig.model_fields["group"].description)
    agents: tuple[str, ...] = Field(
        ("thompson", "scai-memory"), description=PlayConfig.model_fields["agents"].description
    )

    @field_validator("users")
    @classmethod
    def _known_norms(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return some_distinct(tuple(norm_without_parameters(name) for name in value), "policy")

    @field_validator("manners")
    @classmethod
    def _known_manners(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return some_distinct(known_manners(value), "manner")


def setting(config: InconsistentLanguage) -> Setting:
    """Make the setting."""
    return group_game(EXPERIMENT.name, config, [one_group(norm) for norm in config.users], config.manners)


def run(config: InconsistentLanguage) -> Results:
    """Run the experiment."""
    return run_group_game(setting(config), config, findings)


_WHY = {
    "thompson": "The posterior is over what users do, so talk cannot move it; all cells have the same prompts.",
    "scai": "The recorded procedure itself, written from the last epoch's transcripts and the text before; all cells "
    "have the same prompts.",
    "scai-memory": "Written from transcripts with all that users say; all cells have the same prompts.",
}


def findings(results: Results) -> list[Finding]:
    """Say how far each agent's assistants are from their users in the last epoch, in every manner."""
    question = "Do users who talk at odds with their norm mislead assistants, or slow them down?"
    return gap_findings(results, question, lambda group, users: users if group == "1v9" else "", _WHY)


def estimate(config: InconsistentLanguage) -> Estimate:
    """Say what it would cost."""
    return estimate_group_game(setting(config), config)


EXPERIMENT = Experiment(
    "inconsistent-language",
    "users of each norm talk in each manner; assistants learn",
    InconsistentLanguage,
    run,
    estimate,
)

if __name__ == "__main__":
    run_experiment(EXPERIMENT)
