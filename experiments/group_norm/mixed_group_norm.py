"""One group, two norms: does the posterior find both, and in the right proportions?

This is the second experiment of Fränken et al. (2023), in which assistants adopted one of the two norms. Run it with
``scai-irl run mixed-group-norm`` or ``python -m experiments.group_norm mixed-group-norm``.
"""

from __future__ import annotations

from pydantic import Field, field_validator

from experiments.group_norm.setup import few_runs, gap_findings, group_game, group_study, play_group_game
from scai_irl.experiment.config import GroupGameConfig, read_mixture, some_distinct
from scai_irl.experiment.definition import experiment
from scai_irl.experiment.run_study import Model
from scai_irl.loop.setting import Condition, Setting
from scai_irl.report.study import Study


class MixedGroupNorm(GroupGameConfig):
    """One group, two norms: assistants infer the proportions of users' norms, put them into words and act on them."""

    mixtures: tuple[str, ...] = Field(
        ("selfish=0.2,altruistic=0.8", "selfish=0.5,altruistic=0.5", "selfish=0.8,altruistic=0.2"),
        description="Populations, as norm=weight pairs; the weights of each sum to 1.",
    )
    group: tuple[str, ...] = Field(("1v9",), description=GroupGameConfig.model_fields["group"].description)
    family: str = Field("norm-mixtures", description=GroupGameConfig.model_fields["family"].description)

    @field_validator("mixtures")
    @classmethod
    def _sound_mixtures(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        # Conditions are named by six digits of the weights, so populations must differ in these digits.
        some_distinct(tuple(Condition(read_mixture(text), "any").users for text in value), "mixture")
        return value


_QUESTION = "Do assistants learn to act like a group with two norms?"
_WHY = {
    "thompson": "A run has few samples of the two norms, which differ by chance even if the mixture is known (the "
    "oracle).",
    "scai": "The procedure of SCAI (2023): one text for all users, from the last epoch's transcripts and the "
    "previous text.",
    "scai-memory": "A single text for all users lies near one of the norms or between them.",
}
_OF_ORGANISMS = "The organisms were trained on single norms and equal mixtures of two; they misread other proportions."


@experiment(
    "mixed-group-norm",
    "users hold two norms; assistants infer the proportions",
    config=MixedGroupNorm,
    sample=few_runs,
)
def mixed_group_norm(config: MixedGroupNorm, model: Model) -> Study:
    """Run every mixture in every group with every agent; report the gaps of the last epoch."""
    plan = setting(config)
    played = play_group_game(plan, config, model)
    of_organisms = dict.fromkeys(_WHY, _OF_ORGANISMS)
    findings = gap_findings(played.alignment, model, _QUESTION, _row, _WHY, of_organisms)
    return group_study(plan, played, findings)


def setting(config: MixedGroupNorm) -> Setting:
    """Make the setting."""
    return group_game(mixed_group_norm.name, config, [read_mixture(text) for text in config.mixtures], [config.manner])


def _row(group: str, users: str) -> str:
    """Name of the row of SCAI (2023): hundredths of altruistic and of selfish users, in groups of 1v9."""
    weights = dict(zip(*read_mixture(users), strict=True))
    shares = [f"{100 * weights.get(norm, 0):g}" for norm in ("altruistic", "selfish")]
    return f"mixed {'/'.join(shares)}" if group == "1v9" else ""
