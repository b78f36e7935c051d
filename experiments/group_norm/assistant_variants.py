"""Variants of the assistant: told to take advantage of users, and told never to accept what goes against its policy.

Two variants of Fränken et al. (2023), whose answers were never scored. Run it with ``scai-irl run assistant-variants``
or ``python -m experiments.group_norm.assistant_variants``.
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
from pydantic import Field, field_validator

from envs import one_group
from experiments.group_norm.earnings import earnings_by_run, earnings_findings, earnings_table
from experiments.group_norm.earnings_figure import earnings_figure
from experiments.group_norm.setup import estimate_whole, group_game
from scai_irl.backends.estimate import Estimate
from scai_irl.cli.main import run_experiment
from scai_irl.experiment.config import PlayConfig, norm_without_parameters, some_distinct
from scai_irl.experiment.definition import Experiment
from scai_irl.experiment.run import run_asking
from scai_irl.lm.protocol import Backend
from scai_irl.lm.tally import Tally
from scai_irl.loop.in_memory import join_settings, play_in_memory
from scai_irl.loop.setting import Setting
from scai_irl.report.study import Study
from scai_irl.results.results import Results


class AssistantVariants(PlayConfig):
    """Exploit and strict: what assistants and users earn, and how often offers fail, by variant of the assistant."""

    users: tuple[str, ...] = Field(("selfish", "fair", "altruistic"), description="Norms, each shared by all users.")
    group: tuple[str, ...] = Field(("5v5",), description=PlayConfig.model_fields["group"].description)
    agents: tuple[str, ...] = Field(
        ("thompson", "exploit", "scai-memory", "scai-exploit"),
        description=PlayConfig.model_fields["agents"].description,
    )

    @field_validator("users")
    @classmethod
    def _known_norms(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return some_distinct(tuple(norm_without_parameters(name) for name in value), "policy")


_STRICT = (False, True)


def setting(config: AssistantVariants) -> Setting:
    """Make the setting, in which no assistant is strict."""
    return group_game(EXPERIMENT.name, config, [one_group(norm) for norm in config.users])


def work(config: AssistantVariants, backend: Backend, tally: Tally) -> Study:
    """Play with assistants that may accept what they like, and with strict ones."""
    played = {strict: play_in_memory(replace(setting(config), strict=strict), backend, tally) for strict in _STRICT}
    interactions = [whole.interactions.assign(strict=strict) for strict, whole in played.items()]
    earned = earnings_by_run(pd.concat(interactions, ignore_index=True))
    apart = {"strict" if strict else "not strict": whole for strict, whole in played.items()}
    question = "What do assistants, and the users they meet, earn where they exploit, or are strict?"
    return Study(
        earnings_findings(earned, question),
        tables={"earnings": earned, **join_settings(apart)},
        shown={"earnings": earnings_table(earned)},
        figures={"earnings": earnings_figure(earned)},
    )


def run(config: AssistantVariants) -> Results:
    """Run the experiment."""
    return run_asking(EXPERIMENT.name, config, lambda backend, tally: work(config, backend, tally))


def estimate(config: AssistantVariants) -> Estimate:
    """Say what it would cost: what it costs without strictness, and as much with it."""
    return estimate_whole(setting(config), config, len(_STRICT))


EXPERIMENT = Experiment(
    "assistant-variants", "assistants that exploit users, and strict ones", AssistantVariants, run, estimate
)

if __name__ == "__main__":
    run_experiment(EXPERIMENT)
