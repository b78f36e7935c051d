"""Elicitation of a model's belief over norms by three channels, in every order of labels and in several wordings.

======= =============================================================================================================
sampled the model writes policies at its own temperature; assistants follow each policy in probe contexts, and the
        belief is the share of each norm that explains these acts (`scai_irl.measure.mixing`)
stated  the model writes the probability of every label
token   the log-probability of every label as the model's answer, normalised over the labels
======= =============================================================================================================

Labels are letters. Each order assigns them to other norms, so a preference for a letter or for the first norm averages
out over orders.
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
from scai_irl.measure.grounding import Probes, act_on_policies, log_likelihood
from scai_irl.measure.mixing import mixing_weights

Channel = Literal["sampled", "stated", "token"]
CHANNELS: tuple[Channel, ...] = get_args(Channel)

COLUMNS = ("item", "channel", "wording", "order", "repeat", "norm", "probability")


@dataclass(frozen=True)
class Item:
    """A test item: interactions and candidate norms about which a belief is elicited.

    Attributes:
        name: Name in tables; seeds derive from it.
        candidates: The candidate norms, in the order of the results.
        games: The observed interactions.
    """

    name: str
    candidates: Candidates
    games: tuple[Game, ...]


@dataclass(frozen=True)
class Elicitation:
    """Settings of an elicitation.

    Attributes:
        channels: Channels.
        wordings: Wordings of each question.
        draws: Texts that the sampled channel draws for each item, spread evenly over wordings and orders.
        repeats: Times that each stated question is repeated, for each wording and order.
        probes: Contexts in which assistants follow the sampled texts.
        style: Temperature and length of answers; its wording is replaced by `wordings`.
        seed: Root seed.
    """

    channels: tuple[Channel, ...] = CHANNELS
    wordings: tuple[int, ...] = (1, 2)
    draws: int = 24
    repeats: int = 1
    probes: Probes = field(default_factory=Probes)
    style: Style = field(default_factory=Style)
    seed: int = 0


@dataclass(frozen=True)
class ElicitationResult:
    """Elicited beliefs and sampled texts.

    Attributes:
        beliefs: One row for each item, channel, wording, order, repetition and norm, with `COLUMNS`. The sampled
            channel has one belief for each item, with wording 0 and order 0.
        texts: One row for each sampled text: item, wording, order, text, and the norm that explains its acts best.
        tally: Number of calls and tokens.
    """

    beliefs: pd.DataFrame
    texts: pd.DataFrame
    tally: Tally


def elicit(backend: Backend, items: Sequence[Item], elicitation: Elicitation) -> ElicitationResult:
    """Elicit beliefs about all items, in two rounds of calls for any number of items.

    Raises:
        InputError: If the backend does not offer a channel.

    Example:
        >>> from envs import Norm, Policy
        >>> from scai_irl.backends.phrasebook.backend import Phrasebook
        >>> norms = tuple(Policy.of(Norm(name)) for name in ("selfish", "fair"))
        >>> game = Game("dollars", 10, "user", "user", 5, True)
        >>> item = Item("one", Candidates(("A", "B"), norms, (0.5, 0.5)), (game,))
        >>> beliefs = elicit(Phrasebook(), [item], Elicitation(channels=("token",))).beliefs
        >>> beliefs[beliefs["norm"] == 1]["probability"].round(2).unique().tolist()
        [1.0]
    """
    if "token" in elicitation.channels and "labels" not in backend.features:
        raise InputError("channels", f"{backend.name} gives no log-probabilities of labels", "leave out token")
    tally = Tally()
    plans = [_plan(item, channel, elicitation) for item in items for channel in elicitation.channels]
    results = in_rounds(plans, functools.partial(ask, backend, costs=tally))
    beliefs = [line for lines, _ in results for line in lines]
    texts = [text for _, some in results for text in some]
    names = ("item", "wording", "order", "text", "best")
    return ElicitationResult(pd.DataFrame(beliefs, columns=COLUMNS), pd.DataFrame(texts, columns=names), tally)


Line = tuple[str, str, int, int, int, int, float]
Text = tuple[str, int, int, str | None, int]
Lines = tuple[list[Line], list[Text]]


def _plan(item: Item, channel: Channel, elicitation: Elicitation) -> Plan[Lines]:
    if channel == "sampled":
        return _sampled(item, elicitation)
    return _labelled(item, channel, elicitation)


def orders_of(norms: int) -> list[tuple[int, ...]]:
    """Return the orders in which norms are shown: each norm is once at each position.

    Example:
        >>> orders_of(3)
        [(0, 1, 2), (1, 2, 0), (2, 0, 1)]
    """
    return [tuple((first + k) % norms for k in range(norms)) for first in range(norms)]


def _cells(item: Item, elicitation: Elicitation) -> list[tuple[int, int, tuple[int, ...]]]:
    """Return every combination of a wording and a numbered order."""
    orders = enumerate(orders_of(len(item.candidates.labels)))
    return [(wording, number, order) for wording, (number, order) in product(elicitation.wordings, orders)]


def _seed(item: Item, elicitation: Elicitation, *path: str | int) -> int:
    return derive_seed(elicitation.seed, "elicit", item.name, *path)


def _labelled(item: Item, channel: Channel, elicitation: Elicitation) -> Plan[Lines]:
    """Plan the stated or the token channel: one belief for each wording and order."""
    keys, questions = [], []
    repeats = elicitation.repeats if channel == "stated" else 1  # log-probabilities do not vary between repetitions
    for (wording, number, order), repeat in product(_cells(item, elicitation), range(repeats)):
        shown, style = item.candidates.in_order(order), replace(elicitation.style, wording=wording)
        seed = _seed(item, elicitation, channel, wording, number, repeat)
        make, read = (state_request, read_stated) if channel == "stated" else (choose_request, read_token_posterior)
        request = make(shown, item.games, seed, style)
        questions.append(Question(request, functools.partial(read, labels=shown.labels)))
        keys.append((wording, number, order, repeat))
    answers = yield questions
    lines: list[Line] = []
    for (wording, number, order, repeat), answer in zip(keys, answers, strict=True):
        for position, norm in enumerate(order):
            chance = float("nan") if answer is None else float(answer[position])  # type: ignore[index]
            lines.append((item.name, channel, wording, number, repeat, norm, chance))
    return lines, []


def _sampled(item: Item, elicitation: Elicitation) -> Plan[Lines]:
    """Plan the sampled channel: sample texts, let assistants follow them, and estimate the shares of norms."""
    cells = _cells(item, elicitation)
    questions, labels = [], []
    for draw in range(elicitation.draws):
        wording, number, order = cells[draw % len(cells)]
        style = replace(elicitation.style, wording=wording)
        seed = _seed(item, elicitation, "sampled", draw)
        request = learn_request(item.games, seed, style, candidates=item.candidates.in_order(order))
        questions.append(Question(request, read_translation))
        labels.append((wording, number))
    texts = [None if answer is None else str(answer) for answer in (yield questions)]
    acts = yield from act_on_policies(
        texts, elicitation.probes, functools.partial(_seed, item, elicitation, "ground"), elicitation.style
    )
    likelihood = log_likelihood(acts, elicitation.probes, item.candidates.policies)
    written = [number for number, text in enumerate(texts) if text is not None]
    weights = mixing_weights(likelihood[written])
    best = np.argmax(likelihood, axis=1)
    rows: list[Text] = [
        (item.name, wording, number, text, int(best[draw]))
        for draw, ((wording, number), text) in enumerate(zip(labels, texts, strict=True))
    ]
    return [(item.name, "sampled", 0, 0, 0, norm, float(weight)) for norm, weight in enumerate(weights)], rows
