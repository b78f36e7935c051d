"""Conversations in chunks, each of which is one token of an organism.

Organisms get the same prompts as any model. Most parts of a prompt never vary: instructions, names of JSON entries,
descriptions of known norms. Each such part is one token, and so is an entry with its value. So an interaction has 5
tokens instead of 60, a small model can read 40 of them, and a token shows the meaning of its number. A test compares
the joined chunks with the real prompts.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from itertools import product

from envs.contexts import MANNERS
from envs.policy import Norm, Policy
from scai_irl.language.games import Candidates, Game, games_to_json
from scai_irl.language.instructions import WORDINGS, Kind, instruction
from scai_irl.language.manners import SENTENCES
from scai_irl.language.phrases import say_policy
from scai_irl.language.policy_json import policy_to_json
from scai_irl.organisms.world import CURRENCIES, HALF, LARGEST_STAKE, NAMES, policy_of

Chunks = tuple[str, ...]

END = "<|end|>"
SYSTEM, USER, ASSISTANT = "<|system|>", "<|user|>", "<|assistant|>"
SPECIAL = (END, SYSTEM, USER, ASSISTANT)
TEMPLATE = (
    "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}{{ eos_token }}{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
"""Chat template of organisms."""

KINDS: tuple[Kind, ...] = ("choose", "state", "learn", "translate", "offer", "answer", "user-offer", "user-answer")
"""Kinds of requests that organisms are trained on."""

LABELS = ("A", "B", "C")
FIRM_RATIONALITY = 200.0
DATA_END = "</data>"
GAMES_BEGIN, GAMES_END = '"games": [', "]}" + DATA_END
EARLIER, EARLIER_END = '"earlier policy": "', '", "games": ['
GAME_END = "}"
_QUOTE = '"'
_SAID = ("proposer said", "responder said")
_KNOWN_TALK = tuple(sentence for some in SENTENCES.values() for sentence in some)
TEXT_END = '"}'

THIRD = 1 / 3
PRIORS = (THIRD, *(step / 20 for step in range(1, 19)))
"""Prior probabilities of a norm that organisms know."""

RELIABILITIES = tuple(step / 20 for step in range(20))


def inside(text: str) -> str:
    """Return a text as it appears inside a request's data."""
    return json.dumps(text)[1:-1].replace("<", "\\u003c").replace(">", "\\u003e")


def opening(kind: Kind, wording: int) -> Chunks:
    """Return the chunks before a request's own data."""
    return (SYSTEM, instruction(kind, wording), END, USER, f'<data>{{"task": "{kind}", ')


def answering() -> Chunks:
    """Return the chunks between a request and its answer."""
    return (END, ASSISTANT)


def norms(candidates: Candidates) -> Chunks:
    """Return the candidate norms with their priors, up to the beginning of the interactions."""
    chunks: list[str] = []
    for place, (label, policy, prior) in enumerate(
        zip(candidates.labels, candidates.policies, candidates.prior, strict=True)
    ):
        chunks += [f"{_norm_begins(place)}{label}{described(policy)}", repr(prior)]
    return (*chunks, _games_begin(candidates.reliability))


def _games_begin(reliability: float | None) -> str:
    stated = "" if reliability is None else f', "reliability": {reliability!r}'
    return f'}}]{stated}, "games": ['


def _norm_begins(place: int) -> str:
    return '}, {"label": "' if place else '"norms": [{"label": "'


@functools.lru_cache(64)
def described(policy: Policy) -> str:
    """Return a request's description of a norm, between its label and its prior."""
    # Cut from a real description, so that the two are always equal.
    whole = json.dumps(Candidates(("@", "#"), (policy, policy), (0.5, 0.5)).to_json()["norms"][0])
    return whole.partition("@")[2].removesuffix("0.5}")


def game(one: Game, *, first: bool) -> Chunks:
    """One game."""
    data = games_to_json([one])[0]
    chunks = [
        f'{"" if first else ", "}{{"currency": "{one.currency}"',
        _stake(one.stake),
        _roles(one.proposer, one.responder),
        _offered(one.offered, one.accepted),
    ]
    talk = [(key, inside(data[key])) for key in _SAID if key in data]
    for place, (key, sentence) in enumerate(talk):
        begins = f'{_QUOTE * bool(place)}, "{key}": "'
        chunks += [begins + sentence] if sentence in _KNOWN_TALK else [begins, sentence]
    return (*chunks, TEXT_END if talk else GAME_END)


def _stake(units: int) -> str:
    return f', "stake": {units}'


def _roles(proposer: str, responder: str) -> str:
    return f', "proposer": "{proposer}", "responder": "{responder}"'


def _offered(units: int, accepted: bool | None = None) -> str:
    return f', "offered": {units}' + ("" if accepted is None else f', "accepted": {json.dumps(accepted)}')


def before_games(kind: Kind, candidates: Candidates | None, wording: int, earlier: str = "") -> Chunks:
    """Return a request about interactions, up to their beginning.

    Args:
        kind: Kind of request.
        candidates: The candidate norms; None if the prompt does not list them.
        wording: Number of the instruction's wording.
        earlier: The policy from before these interactions, if the prompt lists no norms.
    """
    begun = opening(kind, wording)
    if candidates is not None:
        return (*begun, *norms(candidates))
    return (*begun, EARLIER, inside(earlier), EARLIER_END) if earlier else (*begun, GAMES_BEGIN)


def after_games() -> Chunks:
    """Return the chunks between the last interaction and the answer."""
    return (GAMES_END, *answering())


def translate(policy: Policy, wording: int) -> Chunks:
    """Return a request to translate a policy."""
    return (*opening("translate", wording), shown_policy(policy), "}" + DATA_END, *answering())


@functools.lru_cache(64)
def shown_policy(policy: Policy) -> str:
    """Return a posterior sample as it appears in a request."""
    data = {"policy": policy_to_json(policy), "rule": say_policy(policy)}
    return json.dumps(data)[1:-1]


def following(kind: Kind, text: str, wording: int, manner: str = "") -> Chunks:
    """Return a request to act on a verbal policy, as an assistant or as a user, without its last part.

    Args:
        kind: ``offer``, ``answer``, ``user-offer`` or ``user-answer``.
        text: The verbal policy.
        wording: Number of the instruction's wording.
        manner: Manner of a user's talk.
    """
    spoken = ('", "manner": "', manner) if manner else ()
    return (*opening(kind, wording), '"policy": "', inside(text), *spoken)


def about(currency: str, stake: int, offered: int | None = None, message: str = "") -> Chunks:
    """Return the last part of a request to act.

    Args:
        currency: Currency that is divided.
        stake: Number of its units.
        offered: Units offered, for a request to answer.
        message: The proposer's message.
    """
    chunks = [f'", "currency": "{currency}"', _stake(stake)]
    if offered is not None:
        chunks.append(_offered(offered))
    chunks += [', "message": "', inside(message), TEXT_END + DATA_END] if message else ["}" + DATA_END]
    return (*chunks, *answering())


def policy_answer(text: str) -> Chunks:
    """Return an answer with a verbal policy."""
    return ('{"policy": "', inside(text), TEXT_END, END)


def chances_answer(labels: Sequence[str], percent: Sequence[int]) -> Chunks:
    """Return an answer with the probability of each label, in hundredths."""
    chunks: list[str] = []
    for place, (label, hundredths) in enumerate(zip(labels, percent, strict=True)):
        chunks += [f'{", " if place else "{"}"{label}": ', f"{hundredths / 100:.2f}"]
    return (*chunks, "}", END)


def offer_answer(units: int, message: str = "") -> Chunks:
    """Return an answer with an offer, and the message of a user."""
    return ('{"offer": ', str(units), *_closed(message))


def acceptance_answer(accepted: bool, message: str = "") -> Chunks:
    """Return an answer that accepts or rejects an offer."""
    return ('{"accept": ', json.dumps(accepted), *_closed(message))


def _closed(message: str) -> Chunks:
    return (', "message": "', message, TEXT_END, END) if message else ("}", END)


def answer_chunks() -> list[list[str]]:
    """Return the chunks of answers, grouped by the chunks that can replace each other; without texts and their ends."""
    labels = [f'{begins}"{label}": ' for label in LABELS for begins in ("{", ", ")]
    joints = ['{"policy": "', '{"offer": ', '{"accept": ', ', "message": "', "}", END, *labels]
    return [list(_units()), list(_hundredths()), list(_KNOWN_TALK), [*LABELS], ["true", "false"], joints]


def known_policies() -> tuple[Policy, ...]:
    """Return the policies that organisms know: each norm, with a low and a high rationality, and a mixture of two."""
    loose = [policy_of(name) for name in NAMES]
    firm = [Policy.of(Norm(name, (), FIRM_RATIONALITY, 0.0)) for name in NAMES]
    return (*loose, *firm, policy_of(HALF))


def numbers() -> list[dict[str, float]]:
    """Return groups of tokens that differ only in a number, with their numbers, scaled to 0 to 1."""
    units = range(LARGEST_STAKE + 1)
    share = {each: each / LARGEST_STAKE for each in units}
    return [
        _units(),
        {_stake(each): share[each] for each in units},
        *({_offered(each, accepted): share[each] for each in units} for accepted in (None, True, False)),
        _hundredths(),
        {repr(value): value for value in PRIORS},
        {_games_begin(value): value for value in RELIABILITIES},
    ]


def _units() -> dict[str, float]:
    return {str(each): each / LARGEST_STAKE for each in range(LARGEST_STAKE + 1)}


def _hundredths() -> dict[str, float]:
    return {f"{each / 100:.2f}": each / 100 for each in range(101)}


def single_tokens() -> list[str]:
    """Return every chunk that is one token, longer ones before their prefixes; without texts of policies."""
    chunks: set[str] = {
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
            chunks.update(opening(kind, wording))
    chunks |= {GAMES_BEGIN, EARLIER, EARLIER_END, *(_games_begin(value) for value in (None, *RELIABILITIES))}
    for place, label in enumerate(LABELS):
        chunks |= {f"{_norm_begins(place)}{label}{described(policy)}" for policy in known_policies()}
    for policy in known_policies():
        chunks |= {shown_policy(policy), say_policy(policy)}
    chunks |= {'"policy": "', '", "manner": "', ', "message": "', *MANNERS}
    for currency in CURRENCIES:
        chunks |= {f'{begins}"currency": "{currency}"' for begins in ("{", ", {", '", ')}
    chunks |= {_roles(*roles) for roles in product(("user", "assistant"), repeat=2)}
    chunks |= {"true", "false", *LABELS, *(text for same in numbers() for text in same)}
    for talk in ("", *_KNOWN_TALK):
        chunks |= {*(f', "{key}": "{talk}' for key in _SAID), f'", "{_SAID[1]}": "{talk}', *filter(None, (talk,))}
    for label in LABELS:
        chunks |= {f'{{"{label}": ', f', "{label}": '}
    return sorted(chunks - set(SPECIAL), key=lambda chunk: (-len(chunk), chunk))
