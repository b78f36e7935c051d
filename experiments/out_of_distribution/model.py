"""Offers in new currencies by assistants that learnt a norm in one currency.

All evidence of a run's assistants comes from its users' interactions in the source currency. In a new currency an
assistant is one of the agents in `scai_irl.agents.transfer_agents`, and the posterior is that of
`inference.structured.transfer`. Only the agent ``model`` can get a warning or be asked for a reason.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from envs.seeds import derive_key, derive_seed
from experiments.out_of_distribution.transfer_design import (
    OutOfDistribution,
    draw_stakes,
    games_in_source_currency,
    offers_of_users,
)
from inference import DiscretePosterior, infer, thompson
from inference.discrete.named_families import NAMED_NORMS
from inference.discrete.priors import FLAT
from inference.structured.transfer import at_target
from scai_irl.agents.assistant import translate
from scai_irl.agents.transfer_agents import AS_LEARNED, MODEL, TRANSFER
from scai_irl.experiment.run_study import Model
from scai_irl.language.phrases import say_policy
from scai_irl.language.requests import offer_request, read_offer
from scai_irl.language.transfer_requests import TransferPrompt, read_transfer, transfer_request
from scai_irl.lm.ask import Question


class ActedTables(NamedTuple):
    """Offers of assistants, as tables.

    Attributes:
        offers: A line for each offer of an assistant; NaN if it had no text or its offer could not be read.
        gaps: A line for each agent, currency, prior, reason, warning and run: the mean offers of assistants and of
            users, and their distance.
        texts: Verbal policies for the source currency, and those of ``transfer`` for the other currencies.
        beliefs: Beliefs behind each verbal policy, before (epoch 0) and after users were observed.
    """

    offers: pd.DataFrame
    gaps: pd.DataFrame
    texts: pd.DataFrame
    beliefs: pd.DataFrame


_EPOCHS = 2
"""Users are observed in the first epoch, and assistants act in the second."""

CELL = ["agent", "currency", "prior", "reason", "warning"]


@dataclass(frozen=True)
class _Act:
    """Request for one assistant's offer."""

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
        """Path of its seeds. It is the same with and without reason and warning, so only these differ."""
        return (self.agent, self.currency, self.prior, self.run, self.act)


def act_in_new_currencies(model: Model, plan: OutOfDistribution) -> ActedTables:
    """Observe users in the source currency, and let assistants act in every currency.

    Args:
        model: Puts policies into words and acts on them.
        plan: The design.
    """
    games = games_in_source_currency(model, plan)
    believed = {prior: infer(plan.hypotheses, games, plan.prior(prior)).probabilities for prior in plan.priors}
    stakes = draw_stakes(plan)
    texts = _write(model, plan, believed)
    acts = [act for agent in plan.agents for act in _acts_of(agent, plan, stakes, texts)]
    answers = iter(model.ask([_question(act, plan) for act in acts if act.text is not None]))
    units = [None if act.text is None else next(answers) for act in acts]
    shares = [float(got) / act.stake if isinstance(got, int) else np.nan for got, act in zip(units, acts, strict=True)]
    offers = pd.DataFrame([vars(act) for act in acts]).drop(columns="text").assign(offered_share=shares)
    gaps = _gaps(offers, offers_of_users(model, plan, stakes))
    return ActedTables(offers, gaps, _text_table(texts), _belief_table(plan, believed))


_Texts = dict[tuple[str, str, str, int, int], tuple[str, str | None]]
"""Sampled norm and its text, by agent, currency, prior, run and act."""


def _write(model: Model, plan: OutOfDistribution, believed: dict[str, Float[np.ndarray, "run norm"]]) -> _Texts:
    """Sample policies, one for each run and one for each act of ``transfer``, and translate them into texts."""
    norm_of_text: dict[tuple[str, str, str, int, int], int] = {}
    for prior, home in believed.items():
        for run, norms in enumerate(_draws(plan, home, 1, "home", prior)):
            norm_of_text[AS_LEARNED, plan.home, prior, run, 0] = int(norms[0])
        for currency in plan.all_currencies if TRANSFER in plan.agents else ():
            there = at_target(home, plan.prior(prior), plan.transfer_probability(currency))
            for run, norms in enumerate(_draws(plan, there, plan.acts, "there", prior, currency)):
                norm_of_text |= {(TRANSFER, currency, prior, run, act): int(norm) for act, norm in enumerate(norms)}
    policies = [plan.hypotheses.policy(norm) for norm in range(len(NAMED_NORMS))]
    seeds = [derive_seed(plan.seed, "abroad", "words", *where) for where in norm_of_text]
    written = translate(
        model.backend, [policies[norm] for norm in norm_of_text.values()], seeds, model.tally, plan.style
    )
    return {where: (NAMED_NORMS[norm_of_text[where]], text) for where, text in zip(norm_of_text, written, strict=True)}


def _draws(
    plan: OutOfDistribution, probabilities: Float[np.ndarray, "run norm"], draws: int, *path: str
) -> Int[np.ndarray, "run draw"]:
    with np.errstate(divide="ignore"):
        log_prob = jnp.asarray(np.log(probabilities), jnp.float32)
    posterior = DiscretePosterior(plan.hypotheses, jax.nn.log_softmax(log_prob), jnp.zeros(plan.runs))
    return thompson(derive_key(plan.seed, "abroad", "draws", *path), posterior, draws)


def _acts_of(
    agent: str, plan: OutOfDistribution, stakes: dict[str, Int[np.ndarray, "run"]], texts: _Texts
) -> list[_Act]:
    reasons, warnings = (_levels(words) if agent == MODEL else (False,) for words in (plan.reasons, plan.warnings))
    acts = []
    for currency, prior, reason, warning in product(plan.all_currencies, plan.priors, reasons, warnings):
        for run, act in product(range(plan.runs), range(plan.acts)):
            own = agent == TRANSFER
            where = (TRANSFER, currency, prior, run, act) if own else (AS_LEARNED, plan.home, prior, run, 0)
            stake = int(stakes[currency][run])
            acts.append(_Act(agent, currency, prior, run, act, stake, texts[where][1], reason, warning))
    return acts


def _levels(words: tuple[str, ...]) -> tuple[bool, ...]:
    return tuple(word == "yes" for word in words)


def _question(act: _Act, plan: OutOfDistribution) -> Question:
    seed, text = derive_seed(plan.seed, "abroad", "offer", *act.path), act.text or ""
    if act.agent != MODEL:
        request = offer_request(text, act.currency, act.stake, seed, plan.style)
        return Question(request, functools.partial(read_offer, stake=act.stake))
    usual = "" if act.prior == FLAT else say_policy(plan.hypotheses.mean_policy(plan.prior(act.prior)))
    prompt = TransferPrompt(text, plan.home, act.currency, act.stake, usual, act.warning, act.reason)
    return Question(transfer_request(prompt, seed, plan.style), functools.partial(read_transfer, prompt=prompt))


def _gaps(offers: pd.DataFrame, users: pd.DataFrame) -> pd.DataFrame:
    by_run = offers.groupby([*CELL, "run"], sort=False)["offered_share"].mean().rename("offered").reset_index()
    gaps = by_run.merge(users, on=["currency", "run"], how="left")
    return gaps.assign(gap=(gaps["offered"] - gaps["users"]).abs())


def _text_table(texts: _Texts) -> pd.DataFrame:
    lines = [(_condition(*where[:3]), *where, _EPOCHS, norm, written) for where, (norm, written) in texts.items()]
    return pd.DataFrame(
        lines, columns=["condition", "agent", "currency", "prior", "run", "act", "epoch", "norm", "written"]
    )


def _belief_table(plan: OutOfDistribution, believed: dict[str, Float[np.ndarray, "run norm"]]) -> pd.DataFrame:
    lines = []
    for prior, home in believed.items():
        first = np.broadcast_to(plan.prior(prior), home.shape)
        by_condition = {_condition(AS_LEARNED, plan.home, prior): home}
        for currency in plan.all_currencies if TRANSFER in plan.agents else ():
            by_condition[_condition(TRANSFER, currency, prior)] = at_target(
                home, plan.prior(prior), plan.transfer_probability(currency)
            )
        for condition, there in by_condition.items():
            for epoch, weights in enumerate((first, there)):
                every = pd.DataFrame(weights, columns=list(NAMED_NORMS)).rename_axis("run").reset_index()
                by_norm = every.melt("run", var_name="norm", value_name="weight")
                lines.append(by_norm.assign(condition=condition, epoch=epoch))
    return pd.concat(lines, ignore_index=True)[["condition", "run", "epoch", "norm", "weight"]]


def _condition(agent: str, currency: str, prior: str) -> str:
    return f"{agent} in {currency}, {prior} prior"
