"""Trial requests that show the features of a model's server, with the checks of its answers.

Each trial requests a form together with a prompt that asks for something else, which exposes a server that ignores
forms.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from envs.policy import Norm, Policy
from scai_irl.language.phrases import say_policy
from scai_irl.language.requests import offer_request, read_offer
from scai_irl.lm.protocol import Completion, Message, Request, Sampling, Structure

_TIMES = 4
_SHOWN = 40
_STAKE = 10
_CHOICES = ("selfish", "fair")
_OFFER = offer_request(say_policy(Policy.of(Norm("fair"))), "apples", _STAKE, 0)
_POEM = (
    Message("system", "Write a short poem about the sea, in plain words: no JSON, no numbers."),
    _OFFER.messages[-1],
)
_WORDS = (Message("user", "Write down one random word after the other, whatever comes to mind, and do not stop."),)
_RECENT = "serve the model with vLLM 0.32 or later: older releases ignore structured outputs in silence"
_NO_TOKENS = "leave out the token channel, or serve the model with vLLM"


class Trial(NamedTuple):
    """A trial of one feature of a backend.

    Attributes:
        what: Name of the feature.
        requests: Requests, sent in one batch.
        read: Returns whether the answers are right, with a description of them.
        hint: How to fix a failure.
        needed: Whether every experiment needs the feature.
    """

    what: str
    requests: Sequence[Request]
    read: Callable[[Sequence[Completion]], tuple[bool, str]]
    hint: str
    needed: bool = False


def _answers(answers: Sequence[Completion]) -> tuple[bool, str]:
    (answer,) = answers
    return bool(answer.text and answer.usage.completion), f"{_shown(answer)}, {answer.usage.completion} tokens"


def _all(fits: Callable[[str], bool]) -> Callable[[Sequence[Completion]], tuple[bool, str]]:
    """Return a check that all answers have a form; it describes the first wrong answer, or else the first."""

    def read(answers: Sequence[Completion]) -> tuple[bool, str]:
        wrong = [answer for answer in answers if not fits(answer.text)]
        right = len(answers) - len(wrong)
        return not wrong, f"{right} of {len(answers)} have the form: {_shown((wrong or answers)[0])}"

    return read


def _is_offer(text: str) -> bool:
    try:
        read_offer(Completion(text), _STAKE)
    except ValueError:
        return False
    return True


def _log_probs(answers: Sequence[Completion]) -> tuple[bool, str]:
    (answer,) = answers
    fit = len(answer.tokens) == len(answer.log_probs) > 0 and "".join(answer.tokens).startswith(answer.text)
    numbers = all(math.isfinite(value) and value <= 0 for value in answer.log_probs)
    return fit and numbers, f"{len(answer.log_probs)} tokens with one, of {answer.usage.completion}"


def _labels(answers: Sequence[Completion]) -> tuple[bool, str]:
    (answer,) = answers
    scores = answer.label_log_probs
    works = len(scores) == len(_CHOICES) and all(math.isfinite(value) and value <= 0 for value in scores)
    return works, ", ".join(f"{label} {score:.2f}" for label, score in zip(_CHOICES, scores, strict=False)) or "none"


def _seeds(answers: Sequence[Completion]) -> tuple[bool, str]:
    first, second = ([answer.text for answer in some] for some in (answers[:_TIMES], answers[_TIMES:]))
    same, different = sum(map(str.__eq__, first, second)), len(set(first))
    texts = f"same seed, same text: {same} of {_TIMES}; {different} texts of {_TIMES} seeds"
    return same == _TIMES and different > 1, texts


def _cold(answers: Sequence[Completion]) -> tuple[bool, str]:
    texts = {answer.text for answer in answers[::2]}
    return len(texts) == 1, f"{len(texts)} text(s) in {len(answers[::2])} answers to the same, among others"


def _shown(answer: Completion) -> str:
    if answer.finish_reason == "refused":
        return f"refused ({answer.problem})"
    return repr(answer.text[:_SHOWN]) + ("…" if len(answer.text) > _SHOWN else "")


def _formed(structure: Structure) -> list[Request]:
    return [Request(_POEM, seed, Sampling(1.0, 64), structure) for seed in range(_TIMES)]


_CHOICE = Structure("choice", _CHOICES)
TRIALS = (
    Trial("chat", [Request(_WORDS, 1, Sampling(1.0, 16))], _answers, "serve a model with a chat template", True),
    Trial("structured: json", _formed(_OFFER.structure), _all(_is_offer), _RECENT, True),
    Trial("structured: choice", _formed(_CHOICE), _all(_CHOICES.__contains__), _RECENT, True),
    Trial(
        "structured: regex",
        _formed(Structure("regex", "[0-9]{3}")),
        _all(lambda text: re.fullmatch("[0-9]{3}", text) is not None),
        _RECENT,
        True,
    ),
    Trial("log-probabilities", [Request(_POEM, 1, Sampling(0.0, 64, log_probs=0), _CHOICE)], _log_probs, _NO_TOKENS),
    Trial("labels", [Request(_POEM, 1, labels=_CHOICES)], _labels, _NO_TOKENS),
    Trial(
        "seeds",
        [Request(_WORDS, seed, Sampling(1.0, 24)) for seed in [*range(_TIMES), *range(_TIMES)]],
        _seeds,
        "runs can be repeated from their recorded calls alone; serve the model with vLLM to repeat its draws",
    ),
    Trial(
        "temperature 0",
        [
            Request((Message("user", f"{number} " * number),) if number % 2 else _WORDS, number, Sampling(0.0, 24))
            for number in range(4 * _TIMES)
        ],
        _cold,
        "serve with --batch-invariant, where the GPU can; else what is computed at once changes last digits",
    ),
)
"""The trials, in order."""
