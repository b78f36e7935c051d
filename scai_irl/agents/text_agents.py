"""Agents without a posterior: a language model writes their policies from transcripts.

`scai` and `scai-memory` follow Social Contract AI (Fränken et al. 2023, arXiv:2310.17769): the MetaLM writes a policy
from the interactions of an epoch and the previous policy. `llm-psrl` is posterior sampling with a verbal belief
(Arumugam & Griffiths, arXiv:2504.20997): one call updates the belief, another draws a policy from it. A new agent is
one function and one line in `TEXT_AGENTS`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

from envs.policy import Policy
from scai_irl.agents.agent import Situation
from scai_irl.agents.verbal_policies import VerbalPolicies
from scai_irl.backends.phrasebook.norm_beliefs import OWN_NORMS
from scai_irl.language.belief_requests import believe_request, draw_request, learn_request, read_belief
from scai_irl.language.phrases import say_policy
from scai_irl.language.requests import read_translation
from scai_irl.lm.ask import Answers, Question
from scai_irl.lm.rounds import Plan


def write_from_transcripts(now: Situation, *, all_epochs: bool, exploit: bool = False) -> Plan[VerbalPolicies]:
    """Write one policy for a run from its interactions; in the first epoch, draw a prior policy for each assistant.

    Args:
        now: State of the condition's runs.
        all_epochs: Whether the model reads the interactions of all epochs, or of the last epoch only.
        exploit: Whether the policy is to take advantage of the users.
    """
    if now.epoch == 1:
        return _prior_policies(now)
    questions = []
    for run in range(now.runs):
        epochs = now.transcripts.interactions[run]
        interactions = sum(epochs, ()) if all_epochs else epochs[-1]
        previous = _previous(now, run)
        request = learn_request(interactions, now.seed(run, "learn"), now.style, previous, exploit=exploit)
        questions.append(Question(request, read_translation, now.account))
    answers = yield questions
    texts = [_text(answer) or _previous(now, run) or None for run, answer in enumerate(answers)]
    return _verbal_policies(now, [[text] * now.assistants for text in texts])


def write_from_belief(now: Situation) -> Plan[VerbalPolicies]:
    """Update the verbal belief of each run, then draw a policy from it for each assistant."""
    previous = now.transcripts.beliefs
    questions = []
    for run, epochs in enumerate(now.transcripts.interactions):
        interactions = epochs[-1] if epochs else ()
        request = believe_request(interactions, now.seed(run, "believe"), now.style, previous[run] or "")
        questions.append(Question(request, read_belief, now.account))
    answers = yield questions
    beliefs = [_text(answer) or previous[run] for run, answer in enumerate(answers)]
    indices = [(run, n) for run in range(now.runs) for n in range(now.assistants) if beliefs[run]]
    policies: Answers = yield [
        Question(draw_request(beliefs[run] or "", now.seed(run, "draw", n), now.style), read_translation, now.account)
        for run, n in indices
    ]
    texts: list[list[str | None]] = [[None] * now.assistants for _ in range(now.runs)]
    for (run, n), policy in zip(indices, policies, strict=True):
        texts[run][n] = _text(policy)
    return _verbal_policies(now, texts, beliefs)


def _prior_policies(now: Situation) -> VerbalPolicies:
    """Draw one of three policies for each assistant, with equal probability."""
    texts: list[list[str | None]] = []
    for run in range(now.runs):
        index = [now.seed(run, "prior policy", n) % len(OWN_NORMS) for n in range(now.assistants)]
        texts.append([say_policy(Policy.of(OWN_NORMS[k])) for k in index])
    return _verbal_policies(now, texts)


def _previous(now: Situation, run: int) -> str:
    """Return the last text that the model wrote; prior policies do not count."""
    return (now.transcripts.texts[run] or "") if now.epoch > 2 else ""


def _verbal_policies(
    now: Situation, texts: list[list[str | None]], beliefs: list[str | None] | None = None
) -> VerbalPolicies:
    return VerbalPolicies(texts, [[None] * now.assistants for _ in texts], beliefs or [None] * now.runs)


def _text(answer: object | None) -> str | None:
    return answer if isinstance(answer, str) else None


@dataclass(frozen=True)
class TextAgent:
    """An agent whose policies a language model writes from transcripts.

    Attributes:
        name: Name in `scai_irl.agents.registry.AGENTS`.
        summary: One line for ``scai-irl list``.
        write: Plan that asks the model and returns the policies.
    """

    name: str
    summary: str
    write: Callable[[Situation], Plan[VerbalPolicies]]

    def plan(self, now: Situation) -> Plan[VerbalPolicies]:
        """Have the policy of every assistant written."""
        return self.write(now)


TEXT_AGENTS = (
    TextAgent(
        "scai",
        "a text written from the last epoch's interactions and the previous text (Fränken et al. 2023)",
        functools.partial(write_from_transcripts, all_epochs=False),
    ),
    TextAgent(
        "scai-memory",
        "a text written from the interactions of all epochs",
        functools.partial(write_from_transcripts, all_epochs=True),
    ),
    TextAgent(
        "scai-exploit",
        "a text on how to take advantage of users, written from the interactions of all epochs",
        functools.partial(write_from_transcripts, all_epochs=True, exploit=True),
    ),
    TextAgent("llm-psrl", "a verbal belief, and a policy drawn from it for each assistant", write_from_belief),
)
"""Agents without a posterior."""
