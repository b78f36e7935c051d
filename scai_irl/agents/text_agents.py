"""Assistants whose MetaLM learns from transcripts, in words alone: what a posterior is held against.

`scai` and `scai-memory` follow Social Contract AI (Fränken et al. 2023, arXiv:2310.17769): the MetaLM writes a policy
from an epoch's games and the policy before. `llm-psrl` is posterior sampling with the posterior itself kept in words
(Arumugam & Griffiths, arXiv:2504.20997): one call brings the belief up to date, another draws from it. A new way is one
function and one line in `WRITERS`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from envs.policy import Policy
from scai_irl.agents.verbal import VerbalPolicies
from scai_irl.backends.phrasebook.norm_beliefs import OWN_NORMS
from scai_irl.language.asking import Style
from scai_irl.language.belief_requests import believe_request, draw_request, learn_request, read_belief
from scai_irl.language.games import Game
from scai_irl.language.phrases import say_policy
from scai_irl.language.requests import read_translation
from scai_irl.lm.ask import Question, Tally
from scai_irl.lm.rounds import Answers, Plan

Games = tuple[Game, ...]


class SeedOf(Protocol):
    """Derives a seed from a run's place in the condition and a path."""

    def __call__(self, run: int, *path: str | int) -> int:
        """Derive it."""
        ...


@dataclass(frozen=True)
class Watched:
    """What has been watched in all runs of a condition, and how to ask about it.

    Attributes:
        epoch: Epoch that is about to begin, from 1.
        assistants: Assistants in a run.
        games: Games of each run's earlier epochs.
        texts: Policy that each run's first assistant followed last.
        beliefs: Belief that each run had last, where it is kept in words.
        seed: Makes the seeds of requests.
        style: How a model is asked.
        tally: What asking costs the condition.
    """

    epoch: int
    assistants: int
    games: tuple[tuple[Games, ...], ...]
    texts: tuple[str | None, ...]
    beliefs: tuple[str | None, ...]
    seed: SeedOf
    style: Style
    tally: Tally

    @property
    def runs(self) -> int:
        """Number of runs."""
        return len(self.games)


def write_from_transcripts(now: Watched, *, all_epochs: bool, exploit: bool = False) -> Plan[VerbalPolicies]:
    """In the first epoch, a prior policy for each assistant; then one text for a run, written from its games."""
    if now.epoch == 1:
        return _own_priors(now)
    questions = []
    for run in range(now.runs):
        games = sum(now.games[run], ()) if all_epochs else now.games[run][-1]
        previous = _previous(now, run)
        request = learn_request(games, now.seed(run, "learn"), now.style, previous, exploit=exploit)
        questions.append(Question(request, read_translation, now.tally))
    answers = yield questions
    texts = [_text(answer) or _previous(now, run) or None for run, answer in enumerate(answers)]
    return _of_runs(now, [[text] * now.assistants for text in texts])


def write_from_belief(now: Watched) -> Plan[VerbalPolicies]:
    """Bring each run's belief up to date, then draw a policy from it for each assistant."""
    questions = []
    for run in range(now.runs):
        games = now.games[run][-1] if now.games[run] else ()
        request = believe_request(games, now.seed(run, "believe"), now.style, now.beliefs[run] or "")
        questions.append(Question(request, read_belief, now.tally))
    answers = yield questions
    beliefs = [_text(answer) or now.beliefs[run] for run, answer in enumerate(answers)]
    asked = [(run, n) for run in range(now.runs) for n in range(now.assistants) if beliefs[run]]
    drawn: Answers = yield [
        Question(draw_request(beliefs[run] or "", now.seed(run, "draw", n), now.style), read_translation, now.tally)
        for run, n in asked
    ]
    texts: list[list[str | None]] = [[None] * now.assistants for _ in range(now.runs)]
    for (run, n), answer in zip(asked, drawn, strict=True):
        texts[run][n] = _text(answer)
    return _of_runs(now, texts, beliefs)


def _own_priors(now: Watched) -> VerbalPolicies:
    """Each assistant begins with one of three policies, drawn evenly."""
    texts: list[list[str | None]] = []
    for run in range(now.runs):
        drawn = [now.seed(run, "prior policy", n) % len(OWN_NORMS) for n in range(now.assistants)]
        texts.append([say_policy(Policy.of(OWN_NORMS[number])) for number in drawn])
    return _of_runs(now, texts)


def _previous(now: Watched, run: int) -> str:
    """The text that was learnt last; what assistants began with was not."""
    return (now.texts[run] or "") if now.epoch > 2 else ""


def _of_runs(now: Watched, texts: list[list[str | None]], beliefs: list[str | None] | None = None) -> VerbalPolicies:
    return VerbalPolicies(texts, [[None] * now.assistants for _ in texts], beliefs or [None] * now.runs)


def _text(answer: object | None) -> str | None:
    return answer if isinstance(answer, str) else None


@dataclass(frozen=True)
class Writer:
    """A way of learning in words.

    Attributes:
        name: Key in `WRITERS`.
        summary: One line for ``scai-irl list``.
        write: Asks what has to be asked, and returns what assistants follow.
    """

    name: str
    summary: str
    write: Callable[[Watched], Plan[VerbalPolicies]]


WRITERS: dict[str, Writer] = {
    writer.name: writer
    for writer in (
        Writer(
            "scai",
            "a text written from the last epoch's games and the text before (Fränken et al. 2023)",
            functools.partial(write_from_transcripts, all_epochs=False),
        ),
        Writer(
            "scai-memory",
            "a text written from the games of all epochs",
            functools.partial(write_from_transcripts, all_epochs=True),
        ),
        Writer(
            "scai-exploit",
            "a text on how to take advantage of users, written from the games of all epochs",
            functools.partial(write_from_transcripts, all_epochs=True, exploit=True),
        ),
        Writer("llm-psrl", "a belief kept in words, and a draw from it for each assistant", write_from_belief),
    )
}
"""Ways of learning in words, by name."""
