"""Inconsistent language: do assistants learn more slowly from users whose talk contradicts their norm?

This is an experiment of Fränken et al. (2023), whose cells had different prompts. Here all cells have the same prompts,
and users behave the same in every manner. Only their messages differ. Run it with ``scai-irl run
inconsistent-language`` or ``python -m experiments.group_norm inconsistent-language``.
"""

from __future__ import annotations

from pydantic import Field, field_validator

from envs import MANNERS, one_group
from experiments.group_norm.setup import (
    NORMS_OF_USERS,
    few_runs,
    gap_findings,
    group_game,
    group_study,
    play_group_game,
)
from scai_irl.experiment.config import PlayConfig, known_manners, known_norms, some_distinct
from scai_irl.experiment.definition import experiment
from scai_irl.experiment.run_study import Model
from scai_irl.report.study import Study


class InconsistentLanguage(PlayConfig):
    """Inconsistent language: users of every norm talk in every manner, and assistants learn from them."""

    users: tuple[str, ...] = Field(("selfish", "fair", "altruistic"), description=NORMS_OF_USERS)
    manners: tuple[str, ...] = Field(MANNERS, description=f"How users talk: {', '.join(MANNERS)}.")
    group: tuple[str, ...] = Field(("1v9",), description=PlayConfig.model_fields["group"].description)
    agents: tuple[str, ...] = Field(
        ("thompson", "scai-memory"), description=PlayConfig.model_fields["agents"].description
    )

    @field_validator("users")
    @classmethod
    def _known_norms(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return known_norms(value)

    @field_validator("manners")
    @classmethod
    def _known_manners(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return some_distinct(known_manners(value), "manner")


_QUESTION = "Do users whose talk contradicts their norm mislead assistants, or slow them down?"
_WHY = {
    "thompson": "The posterior uses only behaviour, so talk cannot change it. All cells have the same prompts.",
    "scai": "The procedure of SCAI (2023): a text written from the last epoch's transcripts and the previous text. "
    "All cells have the same prompts.",
    "scai-memory": "The text is written from transcripts, which contain users' messages. All cells have the same "
    "prompts.",
}


@experiment(
    "inconsistent-language",
    "users of each norm talk in each manner; assistants learn",
    config=InconsistentLanguage,
    sample=few_runs,
)
def inconsistent_language(config: InconsistentLanguage, model: Model) -> Study:
    """Run every norm in every manner with every agent; report the gaps of the last epoch."""
    populations = [one_group(norm) for norm in config.users]
    setting = group_game(inconsistent_language.name, config, populations, config.manners)
    played = play_group_game(setting, config, model)
    return group_study(setting, played, gap_findings(played.alignment, model, _QUESTION, _row, _WHY))


def _row(group: str, users: str) -> str:
    """Name of the row of SCAI (2023), whose groups are 1v9."""
    return users if group == "1v9" else ""
