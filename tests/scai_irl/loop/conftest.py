"""One small experiment that many tests share."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import pytest

from scai_irl.agents.posterior_agents import POSTERIOR_AGENTS
from scai_irl.lm.protocol import Request
from scai_irl.loop.play_epoch import EpochRecord
from scai_irl.loop.setting import Setting
from tests.scai_irl.backends.backends_for_tests import Recording
from tests.scai_irl.loop.play import MIXED, interactions, play, setting


@dataclass(frozen=True)
class World:
    """A simulated experiment.

    Attributes:
        setting: Its setting.
        records: Its epochs, by group.
        table: Its interactions.
        batches: The requests of every call of the model.
    """

    setting: Setting
    records: dict[str, list[EpochRecord]]
    table: pd.DataFrame
    batches: list[list[Request]]


def _played(design: Setting) -> World:
    backend = Recording()
    records = play(design, backend)
    return World(design, records, interactions(records), backend.batches)


@pytest.fixture(scope="package")
def world() -> World:
    """Every agent with a posterior, with two populations, in each of the three groups."""
    return _played(setting(("1v9", "5v5", "9v1"), agents=[agent.name for agent in POSTERIOR_AGENTS], runs=range(2)))


@pytest.fixture(scope="package")
def among() -> World:
    """Two conditions of ten runs."""
    return _played(setting())


@pytest.fixture(scope="package")
def alone() -> World:
    """Run 7 of the second of these conditions alone."""
    return _played(setting(populations=[MIXED], runs=[7]))
