"""Speed of learning a norm from users whose talk contradicts it, by degree and way.

A message fits the user's norm with probability 1 − q. Otherwise its manner depends on the way. In the way *random* it
is any manner. In the way *misleading* it is the manner of one other norm, the same for all interactions of a group.
There are four observers: a Bayesian that ignores talk (r = 0), one that trusts it (r = `TRUST`), one that infers its
reliability (r uniform), and a language model that is told r = `TRUST`.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from itertools import product

import jax
import numpy as np
import pandas as pd
from jaxtyping import Float, Int
from pydantic import Field, field_validator

from envs import MANNERS, Norm, Policy, simulate
from envs.seeds import derive_key, derive_seed
from inference import Evidence, evidence, named_norms
from inference.continuous.language import MANNER_OF
from inference.structured.talk import beliefs_with_talk
from scai_irl.experiment.config import ExperimentConfig
from scai_irl.experiment.model_options import LmConfig
from scai_irl.experiment.run_study import Model
from scai_irl.language.belief_requests import choose_request, read_token_posterior
from scai_irl.language.games import Candidates, Game
from scai_irl.language.manners import say
from scai_irl.lm.ask import Question

NAMES = ("selfish", "fair", "altruistic")
WAYS = ("random", "misleading")
TRUST = 0.8
RATIONALITY, LAPSE, STAKE = 5.0, 0.25, 10
MODEL = "model, told r = .8"
_OBSERVERS: dict[str, tuple[float, ...]] = {
    "does not listen": (0.0,),
    "trusts, r = .8": (TRUST,),
    "finds out r": tuple(np.linspace(0, 0.99, 34)),
}
_LABELS = ("A", "B", "C")


LENGTHS = (1, 2, 4, 8, 16, 24, 32, 40)
"""Numbers of interactions after which a model is asked, up to the number of interactions of a group."""


class LanguageAndLearning(LmConfig, ExperimentConfig):
    """Inconsistent talk by degree and way: interactions that Bayesians and a language model need to learn a norm."""

    runs: int = Field(20, ge=2, le=10_000, description="Groups of each norm, way and degree.")
    degrees: tuple[float, ...] = Field(
        (0.0, 0.25, 0.5, 0.75, 1.0), description="Shares of messages that need not fit the norm."
    )
    games: int = Field(40, ge=1, le=40, description="Interactions of a group.")

    @field_validator("degrees")
    @classmethod
    def _shares(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if not value or list(value) != sorted(set(value)) or not 0 <= value[0] <= value[-1] <= 1:
            raise ValueError(f"{value} are not increasing shares; give numbers from 0 to 1, such as 0 0.5 1")
        return value

    @property
    def lengths(self) -> tuple[int, ...]:
        """Numbers of interactions after which the model is asked."""
        return tuple(length for length in LENGTHS if length <= self.games)


@dataclass(frozen=True)
class _Cell:
    norm: str
    way: str
    degree: float
    plays: Evidence
    manner: Int[np.ndarray, "run play"]


def beliefs_of_bayesians(plan: LanguageAndLearning) -> pd.DataFrame:
    """Bayesians' belief in the users' norm after each interaction: norm, way, degree, observer, run, games, belief."""
    hypotheses = named_norms(NAMES, (RATIONALITY,), (LAPSE,))
    lines = []
    for cell in _cells(plan):
        for observer, reliability in _OBSERVERS.items():
            belief = beliefs_with_talk(hypotheses, cell.plays, cell.manner, reliability)[..., NAMES.index(cell.norm)]
            lines.append(_lines(cell, observer, belief, range(plan.games + 1)))
    return pd.concat(lines, ignore_index=True)


def beliefs_of_model(plan: LanguageAndLearning, model: Model) -> pd.DataFrame:
    """A language model's belief (token channel) after some numbers of interactions; NaN where it gave no answer."""
    policies = tuple(Policy.of(Norm(name, (), RATIONALITY, LAPSE)) for name in NAMES)
    candidates = Candidates(_LABELS, policies, (1 / 3, 1 / 3, 1 / 3), TRUST)
    cells = list(_cells(plan))
    questions = [
        _question(plan, cell, run, length, candidates)
        for cell, run, length in product(cells, range(plan.runs), plan.lengths)
    ]
    answers = iter(model.ask(questions))
    lines = []
    for cell in cells:
        truth, shape = NAMES.index(cell.norm), (plan.runs, len(plan.lengths))
        beliefs = [next(answers) for _ in range(plan.runs * len(plan.lengths))]
        in_truth = np.reshape([np.nan if belief is None else belief[truth] for belief in beliefs], shape)  # type: ignore[index]
        lines.append(_lines(cell, MODEL, in_truth, plan.lengths))
    return pd.concat(lines, ignore_index=True)


def games_needed(beliefs: pd.DataFrame, sure: float = 0.9) -> pd.DataFrame:
    """Number of interactions after which a run's belief in the truth stays at least `sure`.

    A Bayesian's belief is known after every interaction, a model's only after some. An observer that is asked less
    often seems to learn later. So only the numbers of interactions count after which all observers' beliefs are known
    (`asked_after`).

    NaN if the belief is lower at the end. An observer that is sure early and misled later has not learnt the norm.
    """
    keys = ["norm", "way", "degree", "observer", "run"]
    beliefs = beliefs[beliefs["games"].isin(asked_after(beliefs))]
    ordered = beliefs.sort_values("games", kind="stable", ascending=False)
    stays = (ordered["belief"] >= sure).groupby([ordered[key] for key in keys], sort=False).cummin()
    reached = ordered[stays.astype(bool)].groupby(keys, sort=False)["games"].min()
    every = beliefs.drop_duplicates(keys).set_index(keys).index
    return reached.reindex(every).rename("needed").reset_index()


def asked_after(beliefs: pd.DataFrame) -> tuple[int, ...]:
    """Numbers of interactions after which every observer's belief is known.

    Args:
        beliefs: Concatenated tables from `beliefs_of_bayesians` and `beliefs_of_model`.
    """
    of_observers = [set(lines["games"]) for _, lines in beliefs.groupby("observer", sort=False)]
    return tuple(sorted(map(int, set.intersection(*of_observers))))


def _cells(plan: LanguageAndLearning) -> list[_Cell]:
    return [_cell(plan, norm, way, degree) for norm, way, degree in product(NAMES, WAYS, plan.degrees)]


def _cell(plan: LanguageAndLearning, norm: str, way: str, degree: float) -> _Cell:
    """Interactions of one cell. Moves are the same in all cells; a message that fits at a degree fits at lower ones."""
    rng = np.random.default_rng(derive_seed(plan.seed, "talk", norm))
    shape = (plan.runs, plan.games)
    plays = evidence(*_moves(plan.seed, norm, shape))
    fitting = MANNERS.index(MANNER_OF[norm])
    others = np.array([place for place in range(len(MANNERS)) if place != fitting])
    odd = rng.random(shape) < degree
    at_random = rng.integers(len(MANNERS), size=shape)
    always = np.broadcast_to(others[rng.integers(others.size, size=plan.runs)][:, None], shape)
    manner = np.where(odd, at_random if way == "random" else always, fitting)
    return _Cell(norm, way, degree, plays, manner)


@functools.lru_cache(16)
def _moves(seed: int, norm: str, shape: tuple[int, int]) -> tuple[np.ndarray, ...]:
    key = derive_key(seed, "talk", norm, "moves")
    users = Policy.of(Norm(norm, (), RATIONALITY, LAPSE))
    return tuple(np.asarray(column) for column in jax.device_get(simulate(key, users, np.full(shape, STAKE))))


def _question(plan: LanguageAndLearning, cell: _Cell, run: int, length: int, candidates: Candidates) -> Question:
    seed = functools.partial(derive_seed, plan.seed, "talk", cell.norm, cell.way, str(cell.degree), run)
    games = tuple(
        Game(
            "dollars",
            STAKE,
            "user",
            "user",
            int(cell.plays.offer[run, game]),
            bool(cell.plays.accepted[run, game]),
            said=say(MANNERS[cell.manner[run, game]], seed("sentence", game)),
        )
        for game in range(length)
    )
    request = choose_request(candidates, games, seed("choose", length), plan.style)
    return Question(request, functools.partial(read_token_posterior, labels=_LABELS))


def _lines(
    cell: _Cell, observer: str, belief: Float[np.ndarray, "run moment"], games: range | tuple[int, ...]
) -> pd.DataFrame:
    runs, moments = belief.shape
    return pd.DataFrame(
        {
            "norm": cell.norm,
            "way": cell.way,
            "degree": cell.degree,
            "observer": observer,
            "run": np.repeat(np.arange(runs), moments),
            "games": np.tile(np.asarray(games), runs),
            "belief": belief.reshape(-1),
        }
    )
