"""Acting abroad: what assistants that learnt a norm in one currency offer in others.

Every run has users of its own, who share a norm and keep it everywhere, and everything that its assistants know comes
from those users' games at home. Users are simulated, or played by the language model, which is told their norm in
words. Abroad an assistant is one of these:

=============== ===================================================================================================
``as-learned``  follows the text that was written at home, a draw from the posterior there, as it is
``transfer``    follows a draw from the posterior abroad, which `inference.structured.transfer` gives, put into words
``model``       is the language model itself: told the text from home, the currency and a prior, it decides
=============== ===================================================================================================

Only the last can be warned or asked for a reason.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from envs.contexts import PSYCHOLOGICAL_DISTANCE
from envs.policy import Policy
from envs.population import one_group
from envs.seeds import derive_key, derive_seed
from envs.simulate import simulate
from envs.ultimatum import offered_share
from inference import DiscretePosterior, Evidence, evidence, infer, named_norms, thompson
from inference.discrete.families import NAMED_NORMS
from inference.discrete.hypotheses import PolicyHypotheses
from inference.structured.transfer import at_target, carried
from scai_irl.agents.assistant import Turn, make_offers, translate
from scai_irl.agents.users import UserGame, UsersBy, played
from scai_irl.language.asking import Style
from scai_irl.language.phrases import say_policy
from scai_irl.language.requests import offer_request, read_offer
from scai_irl.language.transfer_requests import Abroad, read_transfer, transfer_request
from scai_irl.lm.ask import Question, Tally
from scai_irl.lm.ask import ask as ask_all
from scai_irl.lm.protocol import Backend

AS_LEARNED, TRANSFER, MODEL = "as-learned", "transfer", "model"
ACTORS = (AS_LEARNED, TRANSFER, MODEL)
FLAT = "flat"
PRIOR_NAMES = (FLAT, *NAMED_NORMS)
"""A flat prior, and priors that lean to one norm."""


@dataclass(frozen=True)
class Journey:
    """What is played.

    Attributes:
        currencies: Currencies in which assistants act; the first is home, where users are watched.
        priors: Some of `PRIOR_NAMES`.
        agents: Some of `ACTORS`.
        reasons: Whether ``model`` is asked for a reason; both to compare.
        warnings: Whether ``model`` is told that the policy may not hold; both to compare.
        users: Norm of the users.
        strength: Chance that a prior gives the norm that it leans to; the others share the rest.
        runs: Groups, each watched by itself.
        games: Games of users at home.
        acts: Assistants that propose once each in every currency, and as many users.
        users_by: Who plays the users, at home and abroad: a simulation, or the model.
        stakes: Smallest and largest stake.
        rationality: λ of users and hypotheses.
        lapse: ε of users and hypotheses.
        style: How a model is asked.
        seed: Root of all draws.
    """

    currencies: tuple[str, ...]
    priors: tuple[str, ...] = PRIOR_NAMES
    agents: tuple[str, ...] = (AS_LEARNED, TRANSFER)
    reasons: tuple[bool, ...] = (False, True)
    warnings: tuple[bool, ...] = (False, True)
    users: str = "selfish"
    strength: float = 0.8
    runs: int = 20
    games: int = 10
    acts: int = 10
    users_by: UsersBy = "simulation"
    stakes: tuple[int, int] = (10, 100)
    rationality: float = 200.0
    lapse: float = 0.0
    style: Style = field(default_factory=Style)
    seed: int = 0

    @functools.cached_property
    def hypotheses(self) -> PolicyHypotheses:
        """The norms that users may have."""
        return named_norms(NAMED_NORMS, [self.rationality], [self.lapse])

    def prior(self, name: str) -> Float[np.ndarray, "norm"]:
        """Probability of each norm."""
        return leaning(name, NAMED_NORMS, self.strength)

    def kept(self, currency: str) -> float:
        """Chance that the norm at home is the norm there."""
        home = self.currencies[0]
        return float(carried(abs(PSYCHOLOGICAL_DISTANCE[currency] - PSYCHOLOGICAL_DISTANCE[home])))


def leaning(name: str, norms: Sequence[str], strength: float) -> Float[np.ndarray, "norm"]:
    """A prior that leans to one norm, or none.

    Args:
        name: The norm, or `FLAT`.
        norms: All norms.
        strength: Chance of that norm; the others share the rest.

    Example:
        >>> leaning("fair", ("selfish", "fair", "altruistic"), 0.8).round(2).tolist()
        [0.1, 0.8, 0.1]
    """
    if name == FLAT:
        return np.full(len(norms), 1 / len(norms))
    return np.where(np.array(norms) == name, strength, (1 - strength) / (len(norms) - 1))


class Found(NamedTuple):
    """What assistants did.

    Attributes:
        offers: A line for each offer of an assistant; NaN where it had no text, or its offer could not be read.
        gaps: A line for each agent, currency, prior, reason, warning and run: what assistants and users offered on
            average, and the distance of the two.
        texts: Verbal policies: those of home, and those of ``transfer`` abroad.
        beliefs: What is believed where each of them was written: before (epoch 0) and after users were watched at home.
    """

    offers: pd.DataFrame
    gaps: pd.DataFrame
    texts: pd.DataFrame
    beliefs: pd.DataFrame


_EPOCHS = 2
"""Users are watched in the first, and assistants act in the second."""

CELL = ["agent", "currency", "prior", "reason", "warning"]


@dataclass(frozen=True)
class _Act:
    """One assistant's offer in the making."""

    agent: str
    currency: str
    prior: str
    run: int
    act: int
    stake: int
    text: str | None
    reason: bool = False
    warning: bool = False

    @property
    def path(self) -> tuple[str | int, ...]:
        """What its seeds are derived from: with and without reason and warning the same, so that these alone differ."""
        return (self.agent, self.currency, self.prior, self.run, self.act)


def act_abroad(backend: Backend, plan: Journey, tally: Tally) -> Found:
    """Watch users at home, and act in every currency.

    Args:
        backend: Who puts policies into words and acts on them.
        plan: What is played.
        tally: What asking costs.
    """
    games = _games_at_home(backend, plan, tally)
    believed = {prior: infer(plan.hypotheses, games, plan.prior(prior)).probabilities for prior in plan.priors}
    stakes = _stakes(plan)
    texts = _write(backend, plan, believed, tally)
    acts = [act for agent in plan.agents for act in _acts_of(agent, plan, stakes, texts)]
    answers = iter(ask_all(backend, [_question(act, plan) for act in acts if act.text is not None], tally))
    units = [None if act.text is None else next(answers) for act in acts]
    shares = [float(got) / act.stake if isinstance(got, int) else np.nan for got, act in zip(units, acts, strict=True)]
    offers = pd.DataFrame([vars(act) for act in acts]).drop(columns="text").assign(offered_share=shares)
    gaps = _gaps(offers, _users(backend, plan, stakes, tally))
    return Found(offers, gaps, _text_table(texts), _belief_table(plan, believed))


def _games_at_home(backend: Backend, plan: Journey, tally: Tally) -> Evidence:
    """What every run's users do at home."""
    low, high = plan.stakes
    rng = np.random.default_rng(derive_seed(plan.seed, "abroad", "stakes at home"))
    stakes = rng.integers(low, high, size=(plan.runs, plan.games), endpoint=True)
    users = users_policy(plan)
    if plan.users_by == "simulation":
        return evidence(*simulate(derive_key(plan.seed, "abroad", "home"), users, stakes))
    home = plan.currencies[0]
    games = [
        UserGame(users, users, home, int(stake), derive_seed(plan.seed, "abroad", "users at home", *place))
        for place, stake in np.ndenumerate(stakes)
    ]
    return evidence(stakes, *(column.reshape(stakes.shape) for column in played(backend, games, tally, plan.style)))


def users_policy(plan: Journey) -> Policy:
    """What users do, everywhere."""
    return one_group(plan.users).policy(plan.rationality, plan.lapse)


def _stakes(plan: Journey) -> dict[str, Int[np.ndarray, "run"]]:
    """Stake of each run in each currency, the same for users and assistants."""
    low, high = plan.stakes
    return {
        currency: np.random.default_rng(derive_seed(plan.seed, "abroad", "stakes", currency)).integers(
            low, high, size=plan.runs, endpoint=True
        )
        for currency in plan.currencies
    }


def _users(backend: Backend, plan: Journey, stakes: dict[str, Int[np.ndarray, "run"]], tally: Tally) -> pd.DataFrame:
    """What each run's users offer in each currency, on average."""
    offers = (
        _asked_offers(backend, plan, stakes, tally) if plan.users_by == "model" else _simulated_offers(plan, stakes)
    )
    lines = [
        pd.DataFrame({"currency": currency, "run": np.arange(plan.runs), "users": of_runs})
        for currency, of_runs in offers.items()
    ]
    return pd.concat(lines, ignore_index=True)


_Offers = dict[str, Float[np.ndarray, "run"]]
"""Mean share that each run's users offer, by currency."""


def _simulated_offers(plan: Journey, stakes: dict[str, Int[np.ndarray, "run"]]) -> _Offers:
    offers = {}
    for currency, of_runs in stakes.items():
        every = np.repeat(of_runs[:, None], plan.acts, axis=1)
        plays = simulate(derive_key(plan.seed, "abroad", "users", currency), users_policy(plan), every)
        offers[currency] = np.asarray(offered_share(plays.offer, jnp.asarray(every))).mean(axis=1)
    return offers


def _asked_offers(backend: Backend, plan: Journey, stakes: dict[str, Int[np.ndarray, "run"]], tally: Tally) -> _Offers:
    text, where = say_policy(users_policy(plan)), list(product(plan.currencies, range(plan.runs), range(plan.acts)))
    turns = [
        Turn(text, currency, int(stakes[currency][run]), derive_seed(plan.seed, "abroad", "users", currency, run, act))
        for currency, run, act in where
    ]
    made = make_offers(backend, turns, tally, plan.style)
    shares = [np.nan if units is None else units / turn.stake for units, turn in zip(made, turns, strict=True)]
    by_act = pd.DataFrame(where, columns=["currency", "run", "act"]).assign(share=shares)
    of_runs = by_act.groupby(["currency", "run"])["share"].mean()
    return {currency: of_runs[currency].to_numpy(float) for currency in plan.currencies}


_Texts = dict[tuple[str, str, str, int, int], tuple[str, str | None]]
"""By agent, currency, prior, run and act: the norm that was drawn, and the words for it."""


def _write(backend: Backend, plan: Journey, believed: dict[str, Float[np.ndarray, "run norm"]], tally: Tally) -> _Texts:
    """Draw policies, one for each run at home and one for each act of ``transfer``, and have them put into words."""
    drawn: dict[tuple[str, str, str, int, int], int] = {}
    for prior, home in believed.items():
        for run, norms in enumerate(_draws(plan, home, 1, "home", prior)):
            drawn[AS_LEARNED, plan.currencies[0], prior, run, 0] = int(norms[0])
        for currency in plan.currencies if TRANSFER in plan.agents else ():
            there = at_target(home, plan.prior(prior), plan.kept(currency))
            for run, norms in enumerate(_draws(plan, there, plan.acts, "there", prior, currency)):
                drawn |= {(TRANSFER, currency, prior, run, act): int(norm) for act, norm in enumerate(norms)}
    policies = [plan.hypotheses.policy(norm) for norm in range(len(NAMED_NORMS))]
    seeds = [derive_seed(plan.seed, "abroad", "words", *where) for where in drawn]
    written = translate(backend, [policies[norm] for norm in drawn.values()], seeds, tally, plan.style)
    return {where: (NAMED_NORMS[drawn[where]], text) for where, text in zip(drawn, written, strict=True)}


def _draws(
    plan: Journey, probabilities: Float[np.ndarray, "run norm"], draws: int, *path: str
) -> Int[np.ndarray, "run draw"]:
    with np.errstate(divide="ignore"):
        log_prob = jnp.asarray(np.log(probabilities), jnp.float32)
    posterior = DiscretePosterior(plan.hypotheses, jax.nn.log_softmax(log_prob), jnp.zeros(plan.runs))
    return thompson(derive_key(plan.seed, "abroad", "draws", *path), posterior, draws)


def _acts_of(agent: str, plan: Journey, stakes: dict[str, Int[np.ndarray, "run"]], texts: _Texts) -> list[_Act]:
    home, asked = plan.currencies[0], agent == MODEL
    made = []
    for currency, prior, reason, warning in product(
        plan.currencies, plan.priors, plan.reasons if asked else (False,), plan.warnings if asked else (False,)
    ):
        for run, act in product(range(plan.runs), range(plan.acts)):
            own = agent == TRANSFER
            where = (TRANSFER, currency, prior, run, act) if own else (AS_LEARNED, home, prior, run, 0)
            stake = int(stakes[currency][run])
            made.append(_Act(agent, currency, prior, run, act, stake, texts[where][1], reason, warning))
    return made


def _question(act: _Act, plan: Journey) -> Question:
    seed, text = derive_seed(plan.seed, "abroad", "offer", *act.path), act.text or ""
    if act.agent != MODEL:
        request = offer_request(text, act.currency, act.stake, seed, plan.style)
        return Question(request, functools.partial(read_offer, stake=act.stake))
    usual = "" if act.prior == FLAT else say_policy(plan.hypotheses.mean_policy(plan.prior(act.prior)))
    told = Abroad(text, plan.currencies[0], act.currency, act.stake, usual, act.warning, act.reason)
    return Question(transfer_request(told, seed, plan.style), functools.partial(read_transfer, told=told))


def _gaps(offers: pd.DataFrame, users: pd.DataFrame) -> pd.DataFrame:
    by_run = offers.groupby([*CELL, "run"], sort=False)["offered_share"].mean().rename("offered").reset_index()
    found = by_run.merge(users, on=["currency", "run"], how="left")
    return found.assign(gap=(found["offered"] - found["users"]).abs())


def _text_table(texts: _Texts) -> pd.DataFrame:
    lines = [(_condition(*where[:3]), *where, _EPOCHS, norm, written) for where, (norm, written) in texts.items()]
    return pd.DataFrame(
        lines, columns=["condition", "agent", "currency", "prior", "run", "act", "epoch", "norm", "written"]
    )


def _belief_table(plan: Journey, believed: dict[str, Float[np.ndarray, "run norm"]]) -> pd.DataFrame:
    lines = []
    for prior, home in believed.items():
        first = np.broadcast_to(plan.prior(prior), home.shape)
        held = {_condition(AS_LEARNED, plan.currencies[0], prior): home}
        for currency in plan.currencies if TRANSFER in plan.agents else ():
            held[_condition(TRANSFER, currency, prior)] = at_target(home, plan.prior(prior), plan.kept(currency))
        for condition, there in held.items():
            for epoch, weights in enumerate((first, there)):
                every = pd.DataFrame(weights, columns=list(NAMED_NORMS)).rename_axis("run").reset_index()
                by_norm = every.melt("run", var_name="norm", value_name="weight")
                lines.append(by_norm.assign(condition=condition, epoch=epoch))
    return pd.concat(lines, ignore_index=True)[["condition", "run", "epoch", "norm", "weight"]]


def _condition(agent: str, currency: str, prior: str) -> str:
    return f"{agent} in {currency}, {prior} prior"
