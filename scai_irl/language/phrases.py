"""The phrasebook's grammar: policies as sentences that can be parsed without loss.

Every norm has one sentence. Numbers are written with all digits that identify them among doubles, so
`read_policy(say_policy(policy)) == policy` for every policy. A test checks this for all utilities.
"""

from __future__ import annotations

import functools
import re

from envs.policy import Norm, Policy
from envs.utilities import UTILITIES, get_utility

PHRASES: dict[str, str] = {
    "selfish": "Keep as much as you can for yourself.",
    "fair": "Share equally, and let the other have what is left over.",
    "altruistic": "Give the other as much as you can.",
    "fehr_schmidt": (
        "Look to your own share, but count {alpha} against every part by which the other has more, "
        "and {beta} against every part by which you have more."
    ),
    "charness_rabin": (
        "Give the other's share the weight {rho} when you have more and {sigma} when you have less, "
        "and your own share the rest."
    ),
    "ces": (
        "Give your own share the weight {own_weight} and the other's the rest, "
        "as goods that replace each other to the degree {substitution}."
    ),
    "reciprocity": (
        "Give the other's share the weight {alpha} when you have less and {beta} when you have more, and your own "
        "share the rest; when you answer, add {gamma} for an offer of more than half and {delta} for one of less."
    ),
    "layered_contract": (
        "Look to your own share, but nobody may get less than the part {floor}, at a price of {floor_strength}, nor "
        "the other less than {role_floor}, at a price of {role_strength}; for yourself, aim to give {target}, at a "
        "price of {target_strength}."
    ),
}
"""Sentence of each utility of this project, with its parameters in braces."""

_FIRMNESS = "Hold to this with firmness {rationality}, and slip with chance {lapse}."
_CHANCE = "With chance {weight}: "


def say_policy(policy: Policy) -> str:
    """Return a policy as sentences.

    Example:
        >>> print(say_policy(Policy.of(Norm("selfish", (), 200.0, 0.01))))
        Keep as much as you can for yourself. Hold to this with firmness 200.0, and slip with chance 0.01.
    """
    sentences = [_say_norm(norm) for _, norm in policy.parts]
    if len(policy.parts) == 1 and policy.parts[0][0] == 1.0:
        return sentences[0]
    chances = (_CHANCE.format(weight=repr(float(weight))) for weight, _ in policy.parts)
    return "\n".join(chance + sentence for chance, sentence in zip(chances, sentences, strict=True))


def read_policy(text: str) -> Policy:
    """Parse a policy from its sentences.

    Raises:
        ValueError: If the text does not have the form that `say_policy` writes.

    Example:
        >>> policy = Policy(((0.25, Norm("selfish")), (0.75, Norm("ces", (0.1, -0.5), 30.0, 0.0))))
        >>> read_policy(say_policy(policy)) == policy
        True
    """
    parts = []
    for line in text.strip().splitlines():
        chance = _CHANCE_PATTERN.match(line)
        weight = float(chance["weight"]) if chance else 1.0
        parts.append((weight, _read_norm(line[chance.end() :] if chance else line)))
    if not parts:
        raise ValueError("no verbal policy in an empty text")
    return Policy(tuple(parts))


def _say_norm(norm: Norm) -> str:
    values = dict(zip(get_utility(norm.utility).parameters, map(float, norm.theta), strict=True))
    phrase = _phrase(norm.utility).format(**{name: repr(value) for name, value in values.items()})
    firmness = _FIRMNESS.format(rationality=repr(float(norm.rationality)), lapse=repr(float(norm.lapse)))
    return f"{phrase} {firmness}"


def _read_norm(line: str) -> Norm:
    plugins = (name for name in UTILITIES if name not in PHRASES)
    for utility in (*PHRASES, *plugins):
        match = _norm_pattern(utility).fullmatch(line)
        if match:
            theta = tuple(float(match[name]) for name in UTILITIES[utility].parameters)
            return Norm(utility, theta, float(match["rationality"]), float(match["lapse"]))
    raise ValueError(f"the phrasebook cannot read {line!r}")


def _phrase(utility: str) -> str:
    """Return the sentence of a utility; a plug-in has its own, or a plain one with its name."""
    if utility in PHRASES:
        return PHRASES[utility]
    described = get_utility(utility)
    numbers = " and ".join(f"{name} = {{{name}}}" for name in described.parameters)
    return described.phrase or f"Follow the norm {utility}{' with ' if numbers else ''}{numbers}."


@functools.cache
def _norm_pattern(utility: str) -> re.Pattern[str]:
    return _pattern(f"{_phrase(utility)} {_FIRMNESS}")


def _pattern(phrase: str) -> re.Pattern[str]:
    """Return a regular expression for a sentence with braces, with a group for each number."""
    parts = re.split(r"\{(\w+)\}", phrase)
    # Even entries are text, odd ones the names of numbers.
    built = (f"(?P<{part}>\\S+?)" if i % 2 else re.escape(part) for i, part in enumerate(parts))
    return re.compile("".join(built))


_CHANCE_PATTERN = _pattern(_CHANCE)
