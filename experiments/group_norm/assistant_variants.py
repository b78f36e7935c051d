"""Variants of the assistant: exploitative assistants, and strict ones that reject offers against their policy.

Fränken et al. (2023) had both variants, but did not score their answers. Run it with ``scai-irl run
assistant-variants`` or ``python -m experiments.group_norm assistant-variants``.
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
from pydantic import Field, field_validator

from envs import one_group
from experiments.group_norm.earnings import earnings_by_run, earnings_figure, earnings_findings, earnings_table
from experiments.group_norm.setup import NORMS_OF_USERS, few_runs, group_game
from experiments.group_norm.unknown_norms import warn_of_unknown_norms
from scai_irl.experiment.config import PlayConfig, known_norms
from scai_irl.experiment.definition import experiment
from scai_irl.experiment.run_study import Model
from scai_irl.loop.in_memory import join_settings, play_in_memory
from scai_irl.report.study import Study


class AssistantVariants(PlayConfig):
    """Exploitative and strict assistants: earnings of assistants and users, and refused offers, by variant."""

    users: tuple[str, ...] = Field(("selfish", "fair", "altruistic"), description=NORMS_OF_USERS)
    group: tuple[str, ...] = Field(("5v5",), description=PlayConfig.model_fields["group"].description)
    agents: tuple[str, ...] = Field(
        ("thompson", "exploit", "scai-memory", "scai-exploit"),
        description=PlayConfig.model_fields["agents"].description,
    )

    @field_validator("users")
    @classmethod
    def _known_norms(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return known_norms(value)


_QUESTION = "What do assistants and users earn if assistants exploit users, or are strict?"


@experiment(
    "assistant-variants",
    "assistants that exploit users, and strict ones",
    config=AssistantVariants,
    sample=few_runs,
)
def assistant_variants(config: AssistantVariants, model: Model) -> Study:
    """Run both with assistants that may accept any offer and with strict ones; report the earnings of both sides."""
    setting = group_game(assistant_variants.name, config, [one_group(norm) for norm in config.users])
    remarks = warn_of_unknown_norms(setting)
    played = {
        strict: play_in_memory(replace(setting, strict=strict), model.backend, model.tally) for strict in (False, True)
    }
    interactions = [whole.interactions.assign(strict=strict) for strict, whole in played.items()]
    earned = earnings_by_run(pd.concat(interactions, ignore_index=True))
    apart = {"strict" if strict else "not strict": whole for strict, whole in played.items()}
    return Study(
        earnings_findings(earned, _QUESTION),
        tables={"earnings": earned, **join_settings(apart)},
        shown={"earnings": earnings_table(earned)},
        figures={"earnings": earnings_figure(earned)},
        remarks=remarks,
    )
