"""Elicit a model's belief over norms by three channels, in every order of labels and in several wordings.

======= =============================================================================================================
sampled it writes policies, at its own temperature; each is acted on in probe contexts, and the shares of the norms
        that explain these acts are the belief (`scai_irl.measure.mixing`)
stated  it writes the probability of every label
token   the log-probability of every label as its answer, normalised over the labels
======= =============================================================================================================

Labels are letters that norms are given anew in each order, so that a preference for a letter, or for what comes first,
evens out over orders.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Literal, get_args

import numpy as np
import pandas as pd

from envs.seeds import derive_seed
from scai_irl.io.errors import InputError
from scai_irl.language.asking import Style
from scai_irl.language.belief_requests import (
    choose_request,
    learn_request,
    read_stated,
    read_token_posterior,
    state_request,
)
from scai_irl.language.games import Candidates, Game
from scai_irl.language.requests import read_translation
from scai_irl.lm.ask import Question, ask
from scai_irl.lm.protocol import Backend
from scai_irl.lm.rounds import Plan, in_rounds
from scai_irl.lm.tally import Tally
from scai_irl.measure.grounding import Probes, ground, log_likelihood
from scai_irl.measure.mixing import mixing_weights

Channel = Literal["sampled", "stated", "token"]
CHANNELS: tuple[Channel, ...] = get_args(Channel)

COLUMNS = ("item", "channel", "wording", "order", "repeat", "norm", "probability")


@dataclass(frozen=True)
class Item:
    """Something to have a belief about.

    Attributes:
        name: What it is called in tables; seeds derive from it.
        candidates: The norms that are possible, in the order in which results are told.
        games: What was watched.
    """

    name: str
    candidates: Candidates
    games: tuple[Game, ...]


@dataclass(frozen=True)
class Elicitation:
    """How beliefs are elicited.

    Attributes:
        channels: Channels that are used.
        wordings: Wordings in which each is asked.
        draws: Texts that the sampled channel has for each item, spread evenly over wordings and orders.
        repeats: Times that the stated channel is asked in each wording and order.
        probes: Contexts in which sampled texts are acted on.
        style: How the model is asked; wordings are set by the above.
        seed: Root of all seeds.
    """

    channels: tuple[Channel, ...] = CHANNELS
    wordings: tuple[int, ...] = (1, 2)
    draws: int = 24
    repeats: int = 1
    probes: Probes = field(default_factory=Probes)
    style: Style = field(default_factory=Style)
    seed: int = 0


@dataclass(frozen=True)
class Elicited:
    """What was elicited.

    Attributes:
        beliefs: A line for each item, channel, wording, order, repetition and norm: `COLUMNS`. The sampled channel has
            one belief an item, under wording 0 and order 0.
        texts: A line for each sampled text: item, wording, order, text, and the norm that explains its acts best.
        tally: What it cost.
    """

    beliefs: pd.DataFrame
    texts: pd.DataFrame
    tally: Tally


def elicit(backend: Backend, items: Sequence[Item], how: Elicitation) -> Elicited:
    """Elicit beliefs about all items, in two rounds whatever their number.

    Raises:
        InputError: If the backend does not offer a channel.

    Example:
        >>> from envs import Norm, Policy
        >>> from scai_irl.backends.phrasebook.backend import Phrasebook
        >>> norms = tuple(Policy.of(Norm(name)) for name in ("selfish", "fair"))
        >>> game = Game("dollars", 10, "user", "user", 5, True)
        >>> item = Item("one", Candidates(("A", "B"), norms, (0.5, 0.5)), (game,))
        >>> found = elicit(Phrasebook(), [item], Elicitation(channels=("token",))).beliefs
        >>> found[found["norm"] == 1]["probability"].round(2).unique().tolist()
        [1.0]
    """
    if "token" in how.channels and "labels" not in backend.features:
        raise InputError("channels", f"{backend.name} gives no log-probabilities of labels", "leave out token")
    tally = Tally()
    plans = [_ask(item, channel, how) for item in items for channel in how.channels]
    found = in_rounds(plans, functools.partial(ask, backend, costs=tally))
    beliefs = [line for lines, _ in found for line in lines]
    texts = [text for _, some in found for text in some]
    names = ("item", "wording", "order", "text", "best")
    return Elicited(pd.DataFrame(beliefs, columns=COLUMNS), pd.DataFrame(texts, columns=names), tally)


Line = tuple[str, str, int, int, int, int, float]
Text = tuple[str, int, int, str | None, int]
Lines = tuple[list[Line], list[Text]]


def _ask(item: Item, channel: Channel, how: Elicitation) -> Plan[Lines]:
    if channel == "sampled":
        return _sampled(item, how)
    return _labelled(item, channel, how)


def orders_of(norms: int) -> list[tuple[int, ...]]:
    """Orders in which norms are shown: each is at each place once.

    Example:
        >>> orders_of(3)
        [(0, 1, 2), (1, 2, 0), (2, 0, 1)]
    """
    return [tuple((first + k) % norms for k in range(norms)) for first in range(norms)]


def _cells(item: Item, how: Elicitation) -> list[tuple[int, int, tuple[int, ...]]]:
    """Wordings and numbered orders."""
    orders = enumerate(orders_of(len(item.candidates.labels)))
    return [(wording, number, order) for wording, (number, order) in product(how.wordings, orders)]


def _seed(item: Item, how: Elicitation, *path: str | int) -> int:
    return derive_seed(how.seed, "elicit", item.name, *path)


def _labelled(item: Item, channel: Channel, how: Elicitation) -> Plan[Lines]:
    """The stated and the token channel: a belief in each wording and order."""
    asked, questions = [], []
    repeats = how.repeats if channel == "stated" else 1  # log-probabilities would only be the same again
    for (wording, number, order), repeat in product(_cells(item, how), range(repeats)):
        shown, style = item.candidates.in_order(order), replace(how.style, wording=wording)
        seed = _seed(item, how, channel, wording, number, repeat)
        make, read = (state_request, read_stated) if channel == "stated" else (choose_request, read_token_posterior)
        request = make(shown, item.games, seed, style)
        questions.append(Question(request, functools.partial(read, labels=shown.labels)))
        asked.append((wording, number, order, repeat))
    answers = yield questions
    lines: list[Line] = []
    for (wording, number, order, repeat), answer in zip(asked, answers, strict=True):
        for place, norm in enumerate(order):
            chance = float("nan") if answer is None else float(answer[place])  # type: ignore[index]
            lines.append((item.name, channel, wording, number, repeat, norm, chance))
    return lines, []


def _sampled(item: Item, how: Elicitation) -> Plan[Lines]:
    """Write policies, have them acted on, and ask which norms explain the acts."""
    cells = _cells(item, how)
    questions, where = [], []
    for draw in range(how.draws):
        wording, number, order = cells[draw % len(cells)]
        style = replace(how.style, wording=wording)
        seed = _seed(item, how, "sampled", draw)
        request = learn_request(item.games, seed, style, candidates=item.candidates.in_order(order))
        questions.append(Question(request, read_translation))
        where.append((wording, number))
    texts = [None if answer is None else str(answer) for answer in (yield questions)]
    acts = yield from ground(texts, how.probes, functools.partial(_seed, item, how, "ground"), how.style)
    likelihood = log_likelihood(acts, how.probes, item.candidates.policies)
    written = [number for number, text in enumerate(texts) if text is not None]
    weights = mixing_weights(likelihood[written])
    best = np.argmax(likelihood, axis=1)
    kept: list[Text] = [
        (item.name, wording, number, text, int(best[draw]))
        for draw, ((wording, number), text) in enumerate(zip(where, texts, strict=True))
    ]
    return [(item.name, "sampled", 0, 0, 0, norm, float(weight)) for norm, weight in enumerate(weights)], kept
