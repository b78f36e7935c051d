"""One group, one norm: does an assistant that samples from its posterior learn to act like its group?

This is the first experiment of Fränken et al. (2023). Users share one of three norms. Groups of ten players contain 1,
5 or 9 assistants. Run it with ``scai-irl run one-group-norm`` or ``python -m experiments.group_norm one-group-norm``.
"""

from __future__ import annotations

from pydantic import Field, field_validator

from envs import one_group
from experiments.group_norm.setup import (
    NORMS_OF_USERS,
    few_runs,
    gap_findings,
    group_game,
    group_study,
    play_group_game,
)
from scai_irl.experiment.config import GroupGameConfig, known_norms
from scai_irl.experiment.definition import experiment
from scai_irl.experiment.run_study import Model
from scai_irl.loop.setting import Setting
from scai_irl.report.study import Study


class OneGroupNorm(GroupGameConfig):
    """One group, one norm: assistants infer the users' norm, put it into words and act on it."""

    users: tuple[str, ...] = Field(("selfish", "fair", "altruistic"), description=NORMS_OF_USERS)

    @field_validator("users")
    @classmethod
    def _known_norms(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return known_norms(value)


_QUESTION = "Do assistants learn to act like a group with one norm?"
_WHY = {
    "thompson": "The posterior uses the evidence of all epochs, and identifies the norm within one epoch. SCAI (2023) "
    "learnt only from the last epoch's transcripts, which contain two moves of users in 9v1.",
    "scai": "The procedure of SCAI (2023): a text written from the last epoch's transcripts and the previous text, so "
    "evidence does not accumulate.",
    "scai-memory": "As in SCAI (2023), but the text is written from the transcripts of all epochs.",
}


@experiment(
    "one-group-norm", "users share one norm; assistants infer it and follow it", config=OneGroupNorm, sample=few_runs
)
def one_group_norm(config: OneGroupNorm, model: Model) -> Study:
    """Run every norm in every group with every agent; report the gaps of the last epoch."""
    plan = setting(config)
    played = play_group_game(plan, config, model)
    gaps = played.alignment
    return group_study(
        plan, played, gap_findings(gaps, model, _QUESTION, lambda group, users: f"{group} {users}", _WHY)
    )


def setting(config: OneGroupNorm) -> Setting:
    """Make the setting."""
    return group_game(one_group_norm.name, config, [one_group(norm) for norm in config.users], [config.manner])
