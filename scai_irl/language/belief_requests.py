"""Requests for beliefs: to learn a policy from games, to keep a belief in words, and to state one over labels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from scai_irl.language.asking import (
    TEXT,
    Schema,
    Style,
    conversation,
    entry,
    make_request,
    read_object,
    shown,
    text_entry,
)
from scai_irl.language.games import Candidates, Game, games_to_json
from scai_irl.language.instructions import Kind
from scai_irl.lm.protocol import Completion, Request, Sampling, Structure

_CHANCE: Schema = {"type": "number", "minimum": 0, "maximum": 1}
_DEFAULT = Style()
_SUM_TOLERANCE = 0.05


def learn_request(
    games: Sequence[Game],
    seed: int,
    style: Style = _DEFAULT,
    previous: str = "",
    candidates: Candidates | None = None,
    *,
    exploit: bool = False,
) -> Request:
    """Ask the MetaLM for the users' policy, in words.

    Args:
        games: What was watched.
        seed: Seed of its sampler.
        style: How it is asked.
        previous: The policy that was written before these games, if any.
        candidates: The norms that are possible, if it is told.
        exploit: Ask for a policy that takes advantage of the users instead of one that behaves as they do.
    """
    kind: Kind = "exploit" if exploit else "learn"
    return make_request(kind, _data(games, previous, candidates, "earlier policy"), {"policy": TEXT}, seed, style)


def believe_request(
    games: Sequence[Game],
    seed: int,
    style: Style = _DEFAULT,
    previous: str = "",
    candidates: Candidates | None = None,
) -> Request:
    """Ask the MetaLM to bring a belief in words up to date."""
    return make_request("believe", _data(games, previous, candidates, "earlier belief"), {"belief": TEXT}, seed, style)


def draw_request(belief: str, seed: int, style: Style = _DEFAULT) -> Request:
    """Ask the MetaLM to draw a policy from a belief in words."""
    return make_request("draw", {"belief": shown(belief)}, {"policy": TEXT}, seed, style)


def state_request(candidates: Candidates, games: Sequence[Game], seed: int, style: Style = _DEFAULT) -> Request:
    """Ask for the probability of each label: the stated channel."""
    form = dict.fromkeys(candidates.labels, _CHANCE)
    return make_request("state", _data(games, "", candidates, ""), form, seed, style)


def choose_request(candidates: Candidates, games: Sequence[Game], seed: int, style: Style = _DEFAULT) -> Request:
    """Ask for the log-probability of each label as the answer: the token channel."""
    messages = conversation("choose", _data(games, "", candidates, ""), style)
    structure = Structure("choice", candidates.labels)
    return Request(messages, seed, Sampling(style.temperature, style.max_tokens), structure, candidates.labels)


def choice_request(candidates: Candidates, games: Sequence[Game], seed: int, style: Style = _DEFAULT) -> Request:
    """Ask for one label, drawn by the model's own sampler."""
    return replace(choose_request(candidates, games, seed, style), labels=())


def read_belief(completion: Completion) -> str:
    """Read a belief in words.

    Raises:
        ValueError: If the answer is no JSON object with a belief that says something.
    """
    return text_entry(read_object(completion, ("belief",)), "belief")


def read_stated(completion: Completion, labels: tuple[str, ...]) -> tuple[float, ...]:
    """Read the probability of each label; those that sum to about 1 are made to sum to 1.

    Raises:
        ValueError: If a label is missing, a number is none, or the sum is far from 1.

    Example:
        >>> read_stated(Completion('{"A": 0.25, "B": 0.75}'), ("A", "B"))
        (0.25, 0.75)
    """
    answer = read_object(completion, labels)
    values = [_number(answer, label) for label in labels]
    total = sum(values)
    if not abs(total - 1) <= _SUM_TOLERANCE:
        raise ValueError(f"probabilities with the sum {total:g}; they should sum to 1")
    return tuple(value / total for value in values)


def read_token_posterior(completion: Completion, labels: tuple[str, ...]) -> tuple[float, ...]:
    """Read p(label) ∝ p(label | conversation) from the labels' log-probabilities.

    Raises:
        ValueError: If there is none for each label, or none is finite.

    Example:
        >>> read_token_posterior(Completion("", label_log_probs=(-1.0, -1.0)), ("A", "B"))
        (0.5, 0.5)
    """
    found = completion.label_log_probs
    if len(found) != len(labels) or any(math.isnan(value) for value in found) or max(found) == -math.inf:
        raise ValueError(f"{len(found)} log-probabilities that can be used; there are {len(labels)} labels")
    most = max(found)
    chances = [math.exp(value - most) for value in found]
    return tuple(chance / sum(chances) for chance in chances)


def _data(games: Sequence[Game], previous: str, candidates: Candidates | None, name: str) -> dict[str, Any]:
    before = {name: shown(previous)} if previous else {}
    return before | ({} if candidates is None else candidates.to_json()) | {"games": games_to_json(games)}


def _number(answer: dict[str, Any], label: str) -> float:
    value = answer[label]
    number = float(entry(answer, label, int if type(value) is int else float))
    if not (math.isfinite(number) and 0 <= number <= 1):
        raise ValueError(f"{label!r} has the probability {value!r}")
    return number
