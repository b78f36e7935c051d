"""A tiny distribution that adds one entry to each registry: a folder that only has to be on the import path."""

from __future__ import annotations

from pathlib import Path

KINDS = {
    "environments": "dictator = tiny_plugin:DictatorGame",
    "utilities": "tiny_utility = tiny_plugin:UTILITY",
    "families": "tiny-norms = tiny_plugin:FAMILY",
    "continuous_families": "tiny-envy = tiny_plugin:CONTINUOUS_FAMILY",
    "methods": "tiny-grid = tiny_plugin:METHOD",
    "discrete_methods": "tiny-exact = tiny_plugin:discrete_method",
    "agents": "tiny-agent = tiny_plugin:AGENT",
    "backends": "tiny-backend = tiny_plugin:BACKEND",
    "experiments": "tiny-study = tiny_plugin:tiny_study",
}

SOURCE = '''
"""One of each kind."""

from dataclasses import dataclass, replace
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from pydantic import Field

from envs import derive_seed
from envs.cmdp import TabularMDP, TimeStep
from envs.ultimatum import NUM_OFFERS, legal_offers, offered_share
from envs.utilities import Utility, fehr_schmidt
from inference.continuous.one_shot import UtilityFamily
from inference.continuous.registry import ContinuousFamily, few_plays
from inference.discrete.exact import exact
from inference.discrete.named_families import Family, named_norms
from inference.methods import Grid, Method
from scai_irl.agents.posterior_agents import PosteriorAgent, thompson_choice
from scai_irl.backends.phrasebook.backend import Phrasebook
from scai_irl.backends.registry import BackendKind
from scai_irl.experiment.config import ExperimentConfig
from scai_irl.experiment.definition import experiment
from scai_irl.report.study import Study
from scai_irl.results.findings import mean_finding


class DictatorGame:
    """A player divides, and the other takes the rest."""

    num_states, num_actions, num_players, horizon = 2, NUM_OFFERS, 2, 1

    def init(self, key, context):
        return jnp.asarray(0, jnp.int32)

    def legal_actions(self, state, context):
        return (state == 0) & legal_offers(context.stake)

    def step(self, key, state, action, context):
        legal = (action >= 0) & (action < NUM_OFFERS) & self.legal_actions(state, context)[action]
        share = offered_share(action, context.stake)
        following = jnp.where(legal, 1, state).astype(jnp.int32)
        return TimeStep(following, jnp.where(legal, jnp.stack([1 - share, share]), 0.0), following == 1)

    def tabular(self, context):
        legal = jnp.stack([self.legal_actions(state, context) for state in range(2)])
        share = jnp.where(legal, jax.vmap(offered_share, (0, None))(jnp.arange(NUM_OFFERS), context.stake), 0.0)
        transition = jnp.zeros((2, NUM_OFFERS, 2)).at[:, :, 1].set(legal)
        return TabularMDP(transition, jnp.stack([jnp.where(legal, 1 - share, 0.0), share]), legal, jnp.zeros(2, int))


def envy(theta, own, other):
    """Envy alone."""
    return fehr_schmidt(jnp.stack([theta[0], 0 * theta[0]]), own, other)


UTILITY = Utility("tiny_utility", envy, ("alpha",), ((0.0, 4.0),))
FAMILY = Family("tiny-norms", "two norms", lambda *noise: named_norms(("selfish", "fair"), *noise))


@dataclass(frozen=True)
class Envy(UtilityFamily):
    """Envy, with noise."""

    utility: ClassVar[str] = "tiny_utility"


CONTINUOUS_FAMILY = ContinuousFamily("tiny-envy", "envy alone", Envy().fix(rationality=30.0, lapse=0.05), few_plays)


@dataclass(frozen=True)
class TinyGrid(Method):
    """A grid of few points."""

    name: ClassVar[str] = "tiny-grid"

    def fit(self, key, target):
        return Grid(points=31).fit(key, target)


METHOD = TinyGrid()


def discrete_method(hypotheses, data, prior, key):
    """Enumeration by another name."""
    return exact(hypotheses, data, prior, key)


AGENT = PosteriorAgent("tiny-agent", "Thompson sampling by another name", thompson_choice)


class TinyBackend(Phrasebook):
    """The phrasebook by another name."""

    name = "tiny-backend"


BACKEND = BackendKind("tiny-backend", "the phrasebook by another name", lambda settings: TinyBackend())


class TinyStudy(ExperimentConfig):
    """A number is drawn."""

    runs: int = Field(4, ge=2, description="Numbers drawn.")


@experiment("tiny-study", "draws numbers", config=TinyStudy)
def tiny_study(config, model):
    """Draw numbers."""
    values = np.random.default_rng(derive_seed(config.seed, "tiny-study")).normal(size=config.runs)
    finding = mean_finding(values, question="How large?", case="all", answer="It is {value}.")
    return Study([finding], tables={"numbers": pd.DataFrame({"value": values})})
'''

CONTRACTS = '''
"""The contracts that the plug-in inherits."""

from scai_irl.testing import (
    AgentContract,
    BackendContract,
    ContinuousFamilyContract,
    EnvironmentContract,
    ExperimentContract,
    FamilyContract,
    MethodContract,
    UtilityContract,
)


class TestDictator(EnvironmentContract):
    name = "dictator"


class TestUtility(UtilityContract):
    name = "tiny_utility"


class TestFamily(FamilyContract):
    name = "tiny-norms"


class TestContinuousFamily(ContinuousFamilyContract):
    name = "tiny-envy"


class TestMethod(MethodContract):
    name = "tiny-grid"


class TestAgent(AgentContract):
    name = "tiny-agent"


class TestBackend(BackendContract):
    name = "tiny-backend"


class TestExperiment(ExperimentContract):
    name = "tiny-study"
    options = ("--runs", "3")
'''


def install(folder: Path, source: str = SOURCE, name: str = "tiny-plugin") -> None:
    """Write the distribution into a folder of the import path."""
    module = name.replace("-", "_")
    (folder / f"{module}.py").write_text(source, encoding="utf-8")
    metadata = folder / f"{module}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n", encoding="utf-8")
    groups = "\n".join(f"[scai_irl.{kind}]\n{line}" for kind, line in KINDS.items())
    (metadata / "entry_points.txt").write_text(groups.replace("tiny_plugin", module) + "\n", encoding="utf-8")
