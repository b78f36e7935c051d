"""Requests for beliefs: learn a policy from interactions, update a verbal belief, or state a belief over labels."""

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
    """Return a request to the MetaLM for a verbal policy of the users.

    Args:
        games: The observed interactions.
        seed: Seed of the sampler.
        style: Wording and sampler.
        previous: The verbal policy from before these interactions, if any.
        candidates: The candidate norms, if the prompt lists them.
        exploit: Request a policy that takes advantage of the users instead of one that behaves as they do.
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
    """Return a request to the MetaLM to update a verbal belief."""
    return make_request("believe", _data(games, previous, candidates, "earlier belief"), {"belief": TEXT}, seed, style)


def draw_request(belief: str, seed: int, style: Style = _DEFAULT) -> Request:
    """Return a request to the MetaLM to sample a policy from a verbal belief."""
    return make_request("draw", {"belief": shown(belief)}, {"policy": TEXT}, seed, style)


def state_request(candidates: Candidates, games: Sequence[Game], seed: int, style: Style = _DEFAULT) -> Request:
    """Return a request for the probability of each label (the stated channel)."""
    form = dict.fromkeys(candidates.labels, _CHANCE)
    return make_request("state", _data(games, "", candidates, ""), form, seed, style)


def choose_request(candidates: Candidates, games: Sequence[Game], seed: int, style: Style = _DEFAULT) -> Request:
    """Return a request for the log-probability of each label as the answer (the token channel)."""
    messages = conversation("choose", _data(games, "", candidates, ""), style)
    structure = Structure("choice", candidates.labels)
    return Request(messages, seed, Sampling(style.temperature, style.max_tokens), structure, candidates.labels)


def choice_request(candidates: Candidates, games: Sequence[Game], seed: int, style: Style = _DEFAULT) -> Request:
    """Return a request for one label, sampled by the model."""
    return replace(choose_request(candidates, games, seed, style), labels=())


def read_belief(completion: Completion) -> str:
    """Read a verbal belief.

    Raises:
        ValueError: If the answer is not a JSON object with a belief that is not empty.
    """
    return text_entry(read_object(completion, ("belief",)), "belief")


def read_stated(completion: Completion, labels: tuple[str, ...]) -> tuple[float, ...]:
    """Read the probability of each label, normalised if the sum is close to 1.

    Raises:
        ValueError: If a label is missing, a value is not a number, or the sum is far from 1.

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
        ValueError: If a label has no log-probability, or none is finite.

    Example:
        >>> read_token_posterior(Completion("", label_log_probs=(-1.0, -1.0)), ("A", "B"))
        (0.5, 0.5)
    """
    log_probs = completion.label_log_probs
    if len(log_probs) != len(labels) or any(math.isnan(value) for value in log_probs) or max(log_probs) == -math.inf:
        raise ValueError(f"{len(log_probs)} log-probabilities that can be used; there are {len(labels)} labels")
    most = max(log_probs)
    chances = [math.exp(value - most) for value in log_probs]
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
