"""Assistants that act in new currencies on verbal policies from the source currency.

The agent ``as-learned`` follows one text in all currencies: a posterior sample for the nearest currency, put into
words. The agent ``transfer`` follows one text in each currency: a sample from the hierarchy's posterior for that
currency.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from envs.policy import Policy
from envs.seeds import derive_seed
from experiments.currency_suite.model import CurrencySuite, Games, key_of
from inference import SampledPosterior, posterior_of_row
from inference.structured.new_places import posterior_at_position
from scai_irl.agents.assistant import translate
from scai_irl.agents.transfer_agents import AS_LEARNED, TRANSFER
from scai_irl.experiment.run_study import Model
from scai_irl.language.requests import offer_request, read_offer
from scai_irl.lm.ask import Question


class _Text(NamedTuple):
    """Policy of one society's assistants, with its agent and currency."""

    agent: str
    society: int
    good: str
    policy: Policy


def act_on_texts(suite: CurrencySuite, games: Games, posterior: SampledPosterior, model: Model) -> pd.DataFrame:
    """Translate policies into texts and let assistants act on the texts in every currency.

    Args:
        suite: The design.
        games: Interactions of the users.
        posterior: Posterior after interactions in the nearest currency. Runs are societies, one way after the other.
        model: Puts policies into words and acts on them.

    Returns:
        A line for each agent, way, society and currency (``good``): the text (``written``), the mean share that
        assistants ``offered``, that of ``users``, and their absolute difference ``gap``. NaN where no text or offer
        could be read.
    """
    texts = [*_as_learned(suite, posterior), *_carried(suite, posterior)]
    seeds = [_seed(suite, "words", text.agent, text.society, text.good) for text in texts]
    written = translate(model.backend, [text.policy for text in texts], seeds, model.tally, suite.style)
    words = {(text.agent, text.society, text.good): sentence for text, sentence in zip(texts, written, strict=True)}
    places = [
        (agent, society, good, words[agent, society, suite.goods[0] if agent == AS_LEARNED else good])
        for agent in (AS_LEARNED, TRANSFER)
        for society in range(posterior.runs)
        for good in suite.goods
    ]
    acts = [(place, act) for place in places if place[3] is not None for act in range(suite.acts)]
    units = model.ask([_question(suite, place, act) for place, act in acts])
    shares: dict[tuple[str, int, str], list[float]] = {place[:3]: [] for place in places}
    for (place, _), offered in zip(acts, units, strict=True):
        shares[place[:3]].append(offered / suite.stake if isinstance(offered, int) else float("nan"))
    users = games.shares(suite.stake).mean(axis=-1).reshape(posterior.runs, -1)
    lines = [
        {
            "agent": agent,
            "way": suite.ways[society // suite.runs],
            "society": society % suite.runs,
            "good": good,
            "place": suite.places[suite.goods.index(good)],
            "known": good == suite.goods[0],
            "written": sentence,
            "offered": _mean(shares[agent, society, good]),
            "users": users[society, suite.goods.index(good)],
        }
        for agent, society, good, sentence in places
    ]
    table = pd.DataFrame(lines)
    return table.assign(gap=(table["offered"] - table["users"]).abs())


def _as_learned(suite: CurrencySuite, posterior: SampledPosterior) -> list[_Text]:
    home = posterior_of_row(posterior, 0)
    sampled = home.sample(key_of(suite, "draw", "home"), 1)
    return [
        _Text(AS_LEARNED, society, suite.goods[0], home.hypotheses.policy(int(index)))
        for society, index in enumerate(sampled[:, 0])
    ]


def _carried(suite: CurrencySuite, posterior: SampledPosterior) -> list[_Text]:
    texts = []
    for good, place in zip(suite.goods, suite.places, strict=True):
        there = posterior_at_position(posterior, place, key_of(suite, "place in words", good))
        sampled = there.sample(key_of(suite, "draw", good), 1)
        texts += [
            _Text(TRANSFER, society, good, there.hypotheses.policy(int(index)))
            for society, index in enumerate(sampled[:, 0])
        ]
    return texts


def _question(suite: CurrencySuite, place: tuple[str, int, str, str | None], act: int) -> Question:
    agent, society, good, written = place
    seed = _seed(suite, "offer", agent, society, good, act)
    request = offer_request(written or "", good, suite.stake, seed, suite.style)
    return Question(request, functools.partial(read_offer, stake=suite.stake))


def _mean(shares: list[float]) -> float:
    known: Float[np.ndarray, "share"] = np.array([share for share in shares if not np.isnan(share)])
    return float(known.mean()) if known.size else float("nan")


def _seed(suite: CurrencySuite, *path: str | int) -> int:
    return derive_seed(suite.seed, "currency suite", *path)
