"""Speed of learning a norm from users whose talk is at odds with it, in degrees and ways.

A message fits the user's norm with chance 1 − q. Otherwise it is, in the way *random*, in any manner, and in the way
*misleading*, in that of one other norm, the same in all of a group's games. Observers are Bayesians that ignore talk
(r = 0), that trust it (r = `TRUST`), and that infer its reliability (r uniform); and a language model that is told r =
`TRUST`.
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
"""Numbers of games after which a model is asked, as far as games are played."""


class LanguageAndLearning(LmConfig, ExperimentConfig):
    """Talk at odds with norms, in degrees and ways: games that Bayesians and a language model need to learn a norm."""

    runs: int = Field(20, ge=2, le=10_000, description="Groups of each norm, way and degree.")
    degrees: tuple[float, ...] = Field(
        (0.0, 0.25, 0.5, 0.75, 1.0), description="Shares of messages that need not fit the norm."
    )
    games: int = Field(40, ge=1, le=40, description="Games of a group.")

    @field_validator("degrees")
    @classmethod
    def _shares(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if not value or list(value) != sorted(set(value)) or not 0 <= value[0] <= value[-1] <= 1:
            raise ValueError(f"{value} are not shares that rise; give some from 0 to 1, such as 0 0.5 1")
        return value

    @property
    def lengths(self) -> tuple[int, ...]:
        """Numbers of games after which the model is asked."""
        return tuple(length for length in LENGTHS if length <= self.games)


@dataclass(frozen=True)
class _Cell:
    norm: str
    way: str
    degree: float
    plays: Evidence
    manner: Int[np.ndarray, "run play"]


def beliefs_of_bayesians(plan: LanguageAndLearning) -> pd.DataFrame:
    """Belief in the users' norm after every number of games: norm, way, degree, observer, run, games, belief."""
    hypotheses = named_norms(NAMES, (RATIONALITY,), (LAPSE,))
    lines = []
    for cell in _cells(plan):
        for observer, reliability in _OBSERVERS.items():
            found = beliefs_with_talk(hypotheses, cell.plays, cell.manner, reliability)[..., NAMES.index(cell.norm)]
            lines.append(_lines(cell, observer, found, range(plan.games + 1)))
    return pd.concat(lines, ignore_index=True)


def beliefs_of_model(plan: LanguageAndLearning, model: Model) -> pd.DataFrame:
    """The same for a language model (token channel), after some numbers of games; NaN where it gave no answer."""
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
        found = np.reshape([np.nan if belief is None else belief[truth] for belief in beliefs], shape)  # type: ignore[index]
        lines.append(_lines(cell, MODEL, found, plan.lengths))
    return pd.concat(lines, ignore_index=True)


def games_needed(beliefs: pd.DataFrame, sure: float = 0.9) -> pd.DataFrame:
    """Number of games from which on a run's belief in the truth is at least `sure`.

    A Bayesian's belief is known after every game and a model's after some. An observer that is asked less often
    seems to learn later, so only those numbers of games count after which all observers' beliefs are known
    (`asked_after`).

    NaN where it is not at the end: an observer that is sure too early, and then misled, has not learnt the norm.
    """
    keys = ["norm", "way", "degree", "observer", "run"]
    beliefs = beliefs[beliefs["games"].isin(asked_after(beliefs))]
    ordered = beliefs.sort_values("games", kind="stable", ascending=False)
    stays = (ordered["belief"] >= sure).groupby([ordered[key] for key in keys], sort=False).cummin()
    reached = ordered[stays.astype(bool)].groupby(keys, sort=False)["games"].min()
    every = beliefs.drop_duplicates(keys).set_index(keys).index
    return reached.reindex(every).rename("needed").reset_index()


def asked_after(beliefs: pd.DataFrame) -> tuple[int, ...]:
    """Numbers of games after which the belief of every observer is known.

    Args:
        beliefs: What `beliefs_of_bayesians` and `beliefs_of_model` give, one below the other.
    """
    of_observers = [set(lines["games"]) for _, lines in beliefs.groupby("observer", sort=False)]
    return tuple(sorted(map(int, set.intersection(*of_observers))))


def _cells(plan: LanguageAndLearning) -> list[_Cell]:
    return [_cell(plan, norm, way, degree) for norm, way, degree in product(NAMES, WAYS, plan.degrees)]


def _cell(plan: LanguageAndLearning, norm: str, way: str, degree: float) -> _Cell:
    """Games of one cell: the same moves in all ways and degrees; a message that fits at a degree fits at lower ones."""
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
    cell: _Cell, observer: str, found: Float[np.ndarray, "run moment"], games: range | tuple[int, ...]
) -> pd.DataFrame:
    runs, moments = found.shape
    return pd.DataFrame(
        {
            "norm": cell.norm,
            "way": cell.way,
            "degree": cell.degree,
            "observer": observer,
            "run": np.repeat(np.arange(runs), moments),
            "games": np.tile(np.asarray(games), runs),
            "belief": found.reshape(-1),
        }
    )
