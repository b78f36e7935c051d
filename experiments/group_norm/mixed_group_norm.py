"""One group, two norms: does the posterior find both, and in the right proportions?

The second experiment of Fränken et al. (2023), whose assistants swung to one of the norms. Run it with
``scai-irl run mixed-group-norm`` or ``python -m experiments.group_norm.mixed_group_norm``.
"""

from __future__ import annotations

from pydantic import Field, field_validator

from experiments.group_norm.setup import estimate_group_game, gap_findings, group_game, run_group_game
from scai_irl.backends.estimate import Estimate
from scai_irl.cli.main import run_experiment
from scai_irl.experiment.config import GroupGameConfig, read_mixture, some_distinct
from scai_irl.experiment.definition import Experiment
from scai_irl.loop.setting import Condition, Setting
from scai_irl.results.findings import Finding
from scai_irl.results.results import Results


class MixedGroupNorm(GroupGameConfig):
    """One group, two norms: users differ, assistants infer in which proportions, say it and act on it."""

    mixtures: tuple[str, ...] = Field(
        ("selfish=0.2,altruistic=0.8", "selfish=0.5,altruistic=0.5", "selfish=0.8,altruistic=0.2"),
        description="Populations, as norm=weight pairs; the weights of each sum to 1.",
    )
    group: tuple[str, ...] = Field(("1v9",), description=GroupGameConfig.model_fields["group"].description)
    family: str = Field("norm-mixtures", description=GroupGameConfig.model_fields["family"].description)

    @field_validator("mixtures")
    @classmethod
    def _sound_mixtures(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        # Populations are told apart by six digits of their weights, which is what their conditions are named by.
        some_distinct(tuple(Condition(read_mixture(text), "any").users for text in value), "mixture")
        return value


def setting(config: MixedGroupNorm) -> Setting:
    """Make the setting."""
    return group_game(EXPERIMENT.name, config, [read_mixture(text) for text in config.mixtures], [config.manner])


def run(config: MixedGroupNorm) -> Results:
    """Run the experiment."""
    return run_group_game(setting(config), config, findings)


def _row(group: str, users: str) -> str:
    """The predecessor names mixtures by hundredths of altruistic and of selfish users, in groups of 1v9."""
    weights = dict(zip(*read_mixture(users), strict=True))
    shares = [f"{100 * weights.get(norm, 0):g}" for norm in ("altruistic", "selfish")]
    return f"mixed {'/'.join(shares)}" if group == "1v9" else ""


_WHY = {
    "thompson": "A run's few draws from two norms lie far from each other by chance, also where the mixture is known "
    "(the oracle); norms of groups are served in subgroup-norms.",
    "scai": "The recorded procedure itself: one text for all users, from the last epoch's transcripts and the text "
    "before.",
    "scai-memory": "One text for all users is near one of the norms, or between them.",
}
_OF_ORGANISMS = "The small models that come along know single norms and halves of two, and misread other proportions."


def findings(results: Results) -> list[Finding]:
    """Say how far each agent's assistants are from their users in the last epoch."""
    question = "Do assistants come to act as a group with two norms does?"
    return gap_findings(results, question, _row, _WHY, dict.fromkeys(_WHY, _OF_ORGANISMS))


def estimate(config: MixedGroupNorm) -> Estimate:
    """Say what it would cost."""
    return estimate_group_game(setting(config), config)


EXPERIMENT = Experiment(
    "mixed-group-norm", "users hold two norms; assistants infer in which proportions", MixedGroupNorm, run, estimate
)

if __name__ == "__main__":
    run_experiment(EXPERIMENT)
