"""Goods ordered by psychological distance: does what was seen in near ones predict, and say, what users do in far ones?

Societies' norms vary from good to good as a hierarchy assumes, or in two ways that it does not know. Run it with
``scai-irl run currency-suite`` or ``python -m experiments.currency_suite.experiment``.
"""

from __future__ import annotations

import itertools
from typing import Literal

import pandas as pd
from pydantic import Field, field_validator, model_validator

from envs.contexts import PSYCHOLOGICAL_DISTANCE
from experiments.currency_suite.figures import (
    coverage_figure,
    goods_table,
    suite_findings,
    suite_table,
    words_figure,
)
from experiments.currency_suite.model import Suite, believed, played, predictions
from experiments.currency_suite.variation import WAYS
from experiments.currency_suite.verbal_transfer import acted_in_words
from inference.checks.diagnostics import largest_r_hat
from scai_irl.backends.estimate import Estimate
from scai_irl.cli.main import run_experiment
from scai_irl.experiment.config import ExperimentConfig
from scai_irl.experiment.definition import Experiment
from scai_irl.experiment.model_options import LmConfig
from scai_irl.experiment.run import run_asking
from scai_irl.experiment.validators import known, known_currencies
from scai_irl.io.progress import progress
from scai_irl.lm.protocol import Backend
from scai_irl.lm.tally import Tally
from scai_irl.report.study import Study
from scai_irl.results.results import Results


class CurrencySuite(LmConfig, ExperimentConfig):
    """Users are watched in near goods; a hierarchy predicts far ones, and words learnt at home are acted on there."""

    runs: int = Field(20, ge=2, le=10_000, description="Societies of each kind.")
    goods: tuple[str, ...] = Field(
        tuple(PSYCHOLOGICAL_DISTANCE), description="Goods, nearest first; the first is home."
    )
    seen: tuple[int, ...] = Field((1, 2, 3, 5), description="Numbers of nearest goods in which users are watched.")
    ways: tuple[str, ...] = Field(WAYS, description=f"How norms vary from good to good: {', '.join(WAYS)}.")
    change: float = Field(1.1, ge=0, description="Distance at which norms change, where they change abruptly.")
    family: Literal["ces", "fehr-schmidt", "charness-rabin"] = Field("ces", description="Family of a good's norm.")
    method: Literal["smc", "nuts"] = Field("smc", description="Method of inference.")
    spread: float = Field(1.0, gt=0, le=10, description="Scale of the prior of how far norms differ.")
    games: int = Field(10, ge=1, le=1000, description="Games of a society's users in each good.")
    acts: int = Field(5, ge=1, le=1000, description="Offers of assistants that follow words, in each good.")
    stake: int = Field(10, ge=1, le=100, description="Units divided.")
    rationality: float = Field(100.0, gt=0, le=1e6, description="Rationality of the users, which is known.")
    lapse: float = Field(0.02, ge=0, le=1, description="Chance that a user slips, which is known.")

    @field_validator("goods")
    @classmethod
    def _rising_goods(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        places = [PSYCHOLOGICAL_DISTANCE[name] for name in known_currencies(value)]
        if len(value) < 2 or places != sorted(places):
            raise ValueError(f"{', '.join(value)} are not two goods or more, nearest first; order them by distance")
        return value

    @field_validator("seen")
    @classmethod
    def _rising_numbers(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if not value or value[0] < 1 or any(after <= before for before, after in itertools.pairwise(value)):
            raise ValueError(f"{value} are not numbers of goods that rise; give some from 1 on, such as 1 2 3")
        return value

    @field_validator("ways")
    @classmethod
    def _known_ways(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return known(value, WAYS, "way")

    @model_validator(mode="after")
    def _something_unseen(self) -> CurrencySuite:
        if self.seen[-1] >= len(self.goods):
            raise ValueError(f"all of {len(self.goods)} goods would be seen; leave at least one that is not")
        return self


def plan(config: CurrencySuite) -> Suite:
    """Say what is played."""
    names = ("goods", "seen", "ways", "change", "method", "spread", "games", "stake", "rationality", "lapse", "seed")
    told = {name: getattr(config, name) for name in names}
    return Suite(**told, societies=config.runs, base=config.family, style=config.style)


def work(config: CurrencySuite, backend: Backend, tally: Tally) -> Study:
    """Watch users in more and more goods, predict the others, and act on words there."""
    suite = plan(config)
    games = played(suite)
    tables, diagnosed = [], []
    with progress("goods seen", len(suite.seen)) as advance:
        for seen in suite.seen:
            posterior = believed(suite, games, seen)
            tables.append(predictions(suite, games, seen, posterior))
            diagnosed.append(largest_r_hat(posterior).rename_axis("number").reset_index(name="r_hat").assign(seen=seen))
            if seen == suite.seen[0]:
                acted = acted_in_words(suite, games, posterior, config.acts, backend, tally)
            advance(str(seen))
    predicted = pd.concat(tables, ignore_index=True)
    return Study(
        suite_findings(predicted, acted),
        tables={"predictions": predicted, "acted": acted, "diagnostics": pd.concat(diagnosed).dropna()},
        shown={"coverage": suite_table(predicted), "goods": goods_table(predicted, acted)},
        figures={"coverage": coverage_figure(predicted), "words": words_figure(predicted, acted)},
    )


def run(config: CurrencySuite) -> Results:
    """Run the experiment."""
    return run_asking(EXPERIMENT.name, config, lambda backend, tally: work(config, backend, tally))


def estimate(config: CurrencySuite) -> Estimate:
    """Say what it would cost."""
    suite = plan(config)
    games = played(suite)
    posterior = believed(suite, games, suite.seen[0])
    return config.estimate(lambda backend: acted_in_words(suite, games, posterior, config.acts, backend, Tally()))


EXPERIMENT = Experiment(
    "currency-suite", "goods by psychological distance: seen, predicted, acted in", CurrencySuite, run, estimate
)

if __name__ == "__main__":
    run_experiment(EXPERIMENT)
