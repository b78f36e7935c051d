"""Conversations in pieces, each of which is one token to an organism: it knows this project's prompts by heart.

The prompts are those that any model gets. Most of what they say is the same every time: instructions, the names of JSON
entries, descriptions of known norms. Each stretch of such text is one token, so a game takes six tokens and not sixty,
and a small model can read forty of them. What joins the pieces is checked against the real prompts by a test.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence

from envs.contexts import MANNERS
from envs.norms import Norm, Policy
from scai_irl.language.games import Candidates, Game, games_to_json
from scai_irl.language.instructions import WORDINGS, Kind, instruction
from scai_irl.language.phrases import say_policy
from scai_irl.language.policy_json import policy_to_json
from scai_irl.language.talk import SENTENCES
from scai_irl.organisms.world import CURRENCIES, NAMES, RATIONALITY, policy_of

Pieces = tuple[str, ...]

END = "<|end|>"
SYSTEM, USER, ASSISTANT = "<|system|>", "<|user|>", "<|assistant|>"
SPECIAL = (END, SYSTEM, USER, ASSISTANT)
TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}{{ eos_token }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
"""Chat template of organisms."""

KINDS: tuple[Kind, ...] = ("choose", "state", "learn", "translate", "offer", "answer", "user-offer", "user-answer")
"""What organisms are trained to do."""

LABELS = ("A", "B", "C")
FIRM_RATIONALITY = 200.0
DATA_END = "</data>"
GAMES_BEGIN, GAMES_END = '"games": [', "]}" + DATA_END
GAME_END = "}"
TEXT_END = '"}'

THIRD = 1 / 3
PRIORS = (THIRD, *(step / 20 for step in range(1, 19)))
"""Probabilities that a norm may have before any game, as far as organisms know."""

RELIABILITIES = tuple(step / 20 for step in range(20))


def inside(text: str) -> str:
    """A text as it stands inside a request's data."""
    return json.dumps(text)[1:-1].replace("<", "\\u003c").replace(">", "\\u003e")


def opening(kind: Kind, wording: int) -> Pieces:
    """Everything up to where a request's own data begin."""
    return (SYSTEM, instruction(kind, wording), END, USER, f'<data>{{"task": "{kind}", ')


def answering() -> Pieces:
    """What stands between a request and its answer."""
    return (END, ASSISTANT)


def norms(candidates: Candidates) -> Pieces:
    """The norms that are possible, with what they had before any game, up to where games begin."""
    made: list[str] = []
    for place, (label, policy, prior) in enumerate(
        zip(candidates.labels, candidates.policies, candidates.prior, strict=True)
    ):
        made += [_norm_begins(place), label, described(policy), repr(prior)]
    if candidates.reliability is None:
        return (*made, '}], "games": [')
    return (*made, '}], "reliability": ', repr(candidates.reliability), ', "games": [')


def _norm_begins(place: int) -> str:
    return '}, {"label": "' if place else '"norms": [{"label": "'


@functools.lru_cache(64)
def described(policy: Policy) -> str:
    """How a request describes a norm, between its label and its prior."""
    # Cut out of a real description, so that this never says anything else than requests do.
    whole = json.dumps(Candidates(("@", "#"), (policy, policy), (0.5, 0.5)).to_json()["norms"][0])
    return whole.partition("@")[2].removesuffix("0.5}")


def game(one: Game, *, first: bool) -> Pieces:
    """One game."""
    data = games_to_json([one])[0]
    begins = f'{"" if first else ", "}{{"currency": "{one.currency}", "stake": '
    roles = f', "proposer": "{one.proposer}", "responder": "{one.responder}", "offered": '
    made = [begins, str(one.stake), roles, str(one.offered)]
    if one.accepted is not None:
        made.append(f', "accepted": {json.dumps(one.accepted)}')
    talk = [name for name in ("proposer said", "responder said") if name in data]
    for place, name in enumerate(talk):
        closing = '"' if place else ""
        made += [f'{closing}, "{name}": "', inside(data[name])]
    return (*made, TEXT_END if talk else GAME_END)


def before_games(kind: Kind, candidates: Candidates | None, wording: int) -> Pieces:
    """A request about games, up to where they begin; its norms are told, or not."""
    return (*opening(kind, wording), *((GAMES_BEGIN,) if candidates is None else norms(candidates)))


def after_games() -> Pieces:
    """What stands between the last game and the answer."""
    return (GAMES_END, *answering())


def translate(policy: Policy, wording: int) -> Pieces:
    """A request to put a policy into words."""
    return (*opening("translate", wording), shown_policy(policy), "}" + DATA_END, *answering())


@functools.lru_cache(64)
def shown_policy(policy: Policy) -> str:
    """A posterior sample as a request shows it."""
    data = {"policy": policy_to_json(policy), "rule": say_policy(policy)}
    return json.dumps(data)[1:-1]


def act(
    kind: Kind,
    text: str,
    currency: str,
    stake: int,
    wording: int,
    *,
    offered: int = -1,
    manner: str = "",
    said: str = "",
) -> Pieces:
    """A request to act on a verbal policy, as an assistant or as a user.

    Args:
        kind: ``offer``, ``answer``, ``user-offer`` or ``user-answer``.
        text: The verbal policy.
        currency: What is divided.
        stake: How many units of it.
        wording: Number of the instruction's wording.
        offered: Units offered, to somebody who answers.
        manner: How a user is to talk.
        said: What the proposer said.
    """
    made = [*opening(kind, wording), '"policy": "', inside(text)]
    if manner:
        made += ['", "manner": "', manner]
    made += [f'", "currency": "{currency}", "stake": ', str(stake)]
    if offered >= 0:
        made += [', "offered": ', str(offered)]
    if said:
        made += [', "message": "', inside(said), TEXT_END + DATA_END]
        return (*made, *answering())
    return (*made, "}" + DATA_END, *answering())


def said_policy(text: str) -> Pieces:
    """An answer that is a verbal policy."""
    return ('{"policy": "', inside(text), TEXT_END, END)


def said_chances(labels: Sequence[str], percent: Sequence[int]) -> Pieces:
    """An answer that is the probability of each label, in hundredths."""
    made: list[str] = []
    for place, (label, hundredths) in enumerate(zip(labels, percent, strict=True)):
        made += [f'{", " if place else "{"}"{label}": ', f"{hundredths / 100:.2f}"]
    return (*made, "}", END)


def said_offer(units: int, message: str = "") -> Pieces:
    """An answer that is an offer, and a message with it if a user makes it."""
    return ('{"offer": ', str(units), *_closed(message))


def said_answer(accepted: bool, message: str = "") -> Pieces:
    """An answer that takes or rejects an offer."""
    return ('{"accept": ', json.dumps(accepted), *_closed(message))


def _closed(message: str) -> Pieces:
    return (', "message": "', message, TEXT_END, END) if message else ("}", END)


def known_policies() -> tuple[Policy, ...]:
    """Policies that organisms know: each norm, loosely and firmly held, and loose mixtures of two."""
    loose = [policy_of(name) for name in NAMES]
    firm = [Policy.of(Norm(name, (), FIRM_RATIONALITY, 0.0)) for name in NAMES]
    sides = [Norm(name, (), RATIONALITY, 0.25) for name in ("selfish", "altruistic")]
    return (*loose, *firm, Policy(tuple((0.5, norm) for norm in sides)))


def single_tokens() -> list[str]:
    """Every piece that is one token, longest first where one begins another; texts of policies are not among them."""
    made: set[str] = {
        GAMES_END,
        "}" + DATA_END,
        TEXT_END + DATA_END,
        TEXT_END,
        GAME_END,
        '{"policy": "',
        '{"offer": ',
        '{"accept": ',
    }
    for kind in KINDS:
        for wording in range(1, WORDINGS + 1):
            made.update(opening(kind, wording))
    made |= {_norm_begins(0), _norm_begins(1), '}], "games": [', '}], "reliability": ', ', "games": [', GAMES_BEGIN}
    made |= {described(policy) for policy in known_policies()}
    made |= {shown_policy(policy) for policy in known_policies()} | {say_policy(policy) for policy in known_policies()}
    made |= {'"policy": "', '", "manner": "', ', "offered": ', ', "message": "', *MANNERS}
    made |= {f'", "currency": "{currency}", "stake": ' for currency in CURRENCIES}
    for currency in CURRENCIES:
        made |= {f'{{"currency": "{currency}", "stake": ', f', {{"currency": "{currency}", "stake": '}
    for proposer, responder in (("user", "user"), ("user", "assistant"), ("assistant", "user")):
        made.add(f', "proposer": "{proposer}", "responder": "{responder}", "offered": ')
    made |= {', "accepted": true', ', "accepted": false'}
    made |= {', "proposer said": "', ', "responder said": "', '", "responder said": "'}
    made |= {"true", "false", *LABELS, *(one for some in SENTENCES.values() for one in some)}
    for label in LABELS:
        made |= {f'{{"{label}": ', f', "{label}": '}
    made |= {f"{hundredths / 100:.2f}" for hundredths in range(101)}
    made |= {repr(value) for value in (*PRIORS, *RELIABILITIES)}
    made |= {str(number) for number in range(101)}
    return sorted(made - set(SPECIAL), key=lambda piece: (-len(piece), piece))
