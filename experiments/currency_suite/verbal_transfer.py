"""What words do in goods that were never seen: a policy learnt at home, put into words, acted on everywhere.

``as-learned`` follows one text, a draw from what is believed of the nearest good; ``transfer`` follows, in each good, a
draw from what the hierarchy believes of that good, put into words, too.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from envs.policy import Policy
from envs.seeds import derive_seed
from experiments.currency_suite.model import Games, Suite, key_of
from experiments.out_of_distribution.model import AS_LEARNED, TRANSFER
from inference import SampledPosterior, posterior_of_row
from inference.structured.new_places import posterior_at_position
from scai_irl.agents.assistant import translate
from scai_irl.language.requests import offer_request, read_offer
from scai_irl.lm.ask import Question, Tally
from scai_irl.lm.ask import ask as ask_all
from scai_irl.lm.protocol import Backend


class _Text(NamedTuple):
    """A policy of one society's assistants, by agent and good."""

    agent: str
    society: int
    good: str
    policy: Policy


def acted_in_words(
    suite: Suite, games: Games, posterior: SampledPosterior, acts: int, backend: Backend, tally: Tally
) -> pd.DataFrame:
    """Have policies put into words and acted on in every good.

    Args:
        suite: What is played.
        games: What users did.
        posterior: What is believed after games in the nearest good; runs are societies, way after way.
        acts: Offers in each good.
        backend: Who writes and acts.
        tally: What asking costs.

    Returns:
        A line for each agent, way, society and good: the text (``written``), the mean share ``offered``, ``users``',
        and ``gap``, the distance of the two. NaN where no text or offer could be read.
    """
    texts = [*_as_learned(suite, posterior), *_carried(suite, posterior)]
    seeds = [_seed(suite, "words", text.agent, text.society, text.good) for text in texts]
    written = translate(backend, [text.policy for text in texts], seeds, tally, suite.style)
    words = {(text.agent, text.society, text.good): said for text, said in zip(texts, written, strict=True)}
    places = [
        (agent, society, good, words[agent, society, suite.goods[0] if agent == AS_LEARNED else good])
        for agent in (AS_LEARNED, TRANSFER)
        for society in range(posterior.runs)
        for good in suite.goods
    ]
    asked = [(place, act) for place in places if place[3] is not None for act in range(acts)]
    units = ask_all(backend, [_question(suite, place, act) for place, act in asked], tally)
    shares: dict[tuple[str, int, str], list[float]] = {place[:3]: [] for place in places}
    for (place, _), offered in zip(asked, units, strict=True):
        shares[place[:3]].append(offered / suite.stake if isinstance(offered, int) else float("nan"))
    users = games.shares(suite.stake).mean(axis=-1).reshape(posterior.runs, -1)
    lines = [
        {
            "agent": agent,
            "way": suite.ways[society // suite.societies],
            "society": society % suite.societies,
            "good": good,
            "place": suite.places[suite.goods.index(good)],
            "known": good == suite.goods[0],
            "written": said,
            "offered": _mean(shares[agent, society, good]),
            "users": users[society, suite.goods.index(good)],
        }
        for agent, society, good, said in places
    ]
    table = pd.DataFrame(lines)
    return table.assign(gap=(table["offered"] - table["users"]).abs())


def _as_learned(suite: Suite, posterior: SampledPosterior) -> list[_Text]:
    home = posterior_of_row(posterior, 0)
    drawn = home.sample(key_of(suite, "draw", "home"), 1)
    return [
        _Text(AS_LEARNED, society, suite.goods[0], home.hypotheses.policy(int(index)))
        for society, index in enumerate(drawn[:, 0])
    ]


def _carried(suite: Suite, posterior: SampledPosterior) -> list[_Text]:
    texts = []
    for good, place in zip(suite.goods, suite.places, strict=True):
        there = posterior_at_position(posterior, place, key_of(suite, "place in words", good))
        drawn = there.sample(key_of(suite, "draw", good), 1)
        texts += [
            _Text(TRANSFER, society, good, there.hypotheses.policy(int(index)))
            for society, index in enumerate(drawn[:, 0])
        ]
    return texts


def _question(suite: Suite, place: tuple[str, int, str, str | None], act: int) -> Question:
    agent, society, good, said = place
    seed = _seed(suite, "offer", agent, society, good, act)
    request = offer_request(said or "", good, suite.stake, seed, suite.style)
    return Question(request, functools.partial(read_offer, stake=suite.stake))


def _mean(shares: list[float]) -> float:
    known: Float[np.ndarray, "share"] = np.array([share for share in shares if not np.isnan(share)])
    return float(known.mean()) if known.size else float("nan")


def _seed(suite: Suite, *path: str | int) -> int:
    return derive_seed(suite.seed, "currency suite", *path)
