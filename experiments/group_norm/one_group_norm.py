"""One group, one norm: does an assistant that samples from its posterior come to act as the group does?

The first experiment of Fränken et al. (2023): users share one of three norms, and assistants play among them in groups
of 1, 5 or 9 assistants in ten. Run it with ``scai-irl run one-group-norm`` or ``python -m
experiments.group_norm.one_group_norm``.
"""

from __future__ import annotations

from pydantic import Field, field_validator

from envs import one_group
from experiments.group_norm.setup import estimate_group_game, gap_findings, group_game, run_group_game
from scai_irl.backends.estimate import Estimate
from scai_irl.cli.main import run_experiment
from scai_irl.experiment.config import GroupGameConfig, norm_without_parameters, some_distinct
from scai_irl.experiment.definition import Experiment
from scai_irl.loop.setting import Setting
from scai_irl.results.findings import Finding
from scai_irl.results.results import Results


class OneGroupNorm(GroupGameConfig):
    """One group, one norm: users share a norm, assistants infer it, say it and act on it."""

    users: tuple[str, ...] = Field(
        ("selfish", "fair", "altruistic"), description="Norms, each shared by the users of a condition of its own."
    )

    @field_validator("users")
    @classmethod
    def _known_norms(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return some_distinct(tuple(norm_without_parameters(name) for name in value), "policy")


def setting(config: OneGroupNorm) -> Setting:
    """Make the setting."""
    return group_game(EXPERIMENT.name, config, [one_group(norm) for norm in config.users], [config.manner])


def run(config: OneGroupNorm) -> Results:
    """Run the experiment."""
    return run_group_game(setting(config), config, findings)


_WHY = {
    "thompson": "All epochs' evidence is in the posterior, and settles the norm within one; what was recorded learnt "
    "from the last epoch's transcripts alone, which in 9v1 hold two moves of users.",
    "scai": "The recorded procedure itself: a text written from the last epoch's transcripts and the text before, so "
    "that nothing accumulates.",
    "scai-memory": "As recorded, a text written from transcripts, but from those of all epochs.",
}


def findings(results: Results) -> list[Finding]:
    """Say how far each agent's assistants are from their users in the last epoch."""
    question = "Do assistants come to act as a group with one norm does?"
    return gap_findings(results, question, lambda group, users: f"{group} {users}", _WHY)


def estimate(config: OneGroupNorm) -> Estimate:
    """Say what it would cost."""
    return estimate_group_game(setting(config), config)


EXPERIMENT = Experiment(
    "one-group-norm", "users share one norm; assistants infer it and follow it", OneGroupNorm, run, estimate
)

if __name__ == "__main__":
    run_experiment(EXPERIMENT)
