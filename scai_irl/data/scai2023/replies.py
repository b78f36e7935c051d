"""Parser of offers and answers in the free text replies of SCAI (2023)'s agents.

A reply is read only if it has exactly one reading. Every other reply raises `UnreadableTextError` with the reason, so
that the importer lists it instead of guessing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator


class UnreadableTextError(Exception):
    """Error: a text has no reading, or more than one; the message is the reason."""


PROPOSER, RESPONDER = "proposer", "responder"
# The recorded replies call the responder "decider"; the pronouns are the proposer's, who is the one speaking.
ROLE_NAMES = {"proposer": PROPOSER, "decider": RESPONDER, "responder": RESPONDER}
PRONOUNS = {
    **dict.fromkeys(("i", "me", "my", "mine", "myself"), PROPOSER),
    **dict.fromkeys(("you", "your", "yours", "yourself"), RESPONDER),
}
_NUMBER = r"(?<![\w.,-])\$?\d+(?:[.,]\d+)*%?"
_WHOLE_NUMBER = re.compile(r"\$?(\d{1,3}(?:,\d{3}){1,4}|\d{1,15})(?:\.0+)?")


def _tokens(labels: dict[str, str]) -> re.Pattern[str]:
    label = rf"\b(?:{'|'.join(labels)})\b"
    # "24 apples go to the decider": a number handed to a label that follows. No comma and no "and" may lie
    # between, because "25 apples, to the proposer ..." and "24 and to the decider ..." hand nothing over.
    handed = (
        rf"(?P<handed>{_NUMBER})(?:\s+(?!and\b)[a-z]+){{0,4}}?\s+(?:for|to)\s+(?:the\s+)?"
        rf"(?P<to>{label})"
    )
    # After "the proposer gives" comes what the other one gets.
    stop = r"(?P<stop>[.!?;\n]|\b(?:giv|offer|propos|hand)(?:e|es|s|ing)?\b)"
    return re.compile(rf"{handed}|(?P<label>{label})|(?P<number>{_NUMBER})|{stop}", re.IGNORECASE)


_BY_NAME = (ROLE_NAMES, _tokens(ROLE_NAMES))
_BY_NAME_OR_PRONOUN = (ROLE_NAMES | PRONOUNS, _tokens(ROLE_NAMES | PRONOUNS))


def _whole(number: str) -> int | None:
    number_match = _WHOLE_NUMBER.fullmatch(number)
    return int(number_match[1].replace(",", "")) if number_match else None


def _amounts(text: str, labels: dict[str, str], tokens: re.Pattern[str]) -> dict[str, set[int]]:
    """Return whole numbers by their role: the label just before the number, or the one that receives it."""
    amounts: dict[str, set[int]] = {PROPOSER: set(), RESPONDER: set()}
    role: str | None = None
    for token in tokens.finditer(text):
        if token["label"]:
            role = labels[token["label"].lower()]
            continue
        owner = labels[token["to"].lower()] if token["to"] else role
        amount = _whole(token["handed"] or token["number"] or "")
        if owner is not None and amount is not None:
            amounts[owner].add(amount)
        role = None
    return amounts


def read_offer(text: str, stake: int) -> int:
    """Read the amount that a proposal gives to the responder, in units of the currency.

    Amounts count only if the text assigns them to roles and they add up to the stake; their order never matters. Names
    of the roles have priority; pronouns (I, you) count only if a role is not named.

    Args:
        text: The proposer's reply.
        stake: Amount to divide.

    Returns:
        The amount, from 0 to the stake.

    Raises:
        UnreadableTextError: If a role has no amount, the amounts do not add up, or there are two readings.

    Example:
        >>> read_offer("Of 1,000 shells the responder has $250, the proposer 750.", stake=1000)
        250
    """
    for labels, tokens in (_BY_NAME, _BY_NAME_OR_PRONOUN):
        amounts = _amounts(text, labels, tokens)
        if not (amounts[PROPOSER] and amounts[RESPONDER]):
            continue
        splits = {stake - remaining for remaining in amounts[PROPOSER]} & amounts[RESPONDER]
        if len(splits) == 1:
            return splits.pop()
        if splits:
            raise UnreadableTextError(f"offers of {_listed(splits)} both fit the stake {stake}")
        raise UnreadableTextError(
            f"{_listed(amounts[PROPOSER])} for the proposer and {_listed(amounts[RESPONDER])} for the responder"
            f" do not add up to the stake {stake}"
        )
    raise UnreadableTextError("no whole amounts that are said to be the proposer's and the responder's")


def _listed(amounts: set[int]) -> str:
    return " or ".join(str(amount) for amount in sorted(amounts))


# Gerunds are left out on purpose: "sorry for not accepting" speaks about a decision, it does not take one. So is
# "accept my apologies".
_DECISION = re.compile(
    r"\b(?:(?P<yes>accept(?:s|ed)?(?!\s+my\b))|(?P<no>reject(?:s|ed)?|decline(?:s|d)?(?!\s+to\b)))\b", re.IGNORECASE
)
_HYPOTHETICAL = {"would", "could", "might", "if", "whether"}
_NEGATIONS = {"not", "never", "cannot", "refuse", "unable", "decline"}
_CONJUNCTIONS = {"and", "but", "so", "yet"}
_CLAUSE_END = re.compile(r"[.,:;!?\n]")


def _decisions(text: str) -> Iterator[bool]:
    """Yield the decisions in a text; hypothetical ones ("I'd accept") do not count, negated ones are the opposite."""
    text = text.replace("\u2019", "'")
    for decision in _DECISION.finditer(text):
        clause = _CLAUSE_END.split(text[: decision.start()])[-1].lower()
        before: list[str] = []
        for word in re.findall(r"[\w']+", clause):
            before = [] if word in _CONJUNCTIONS else [*before, word]
        before = before[-4:]  # a word further off governs another verb
        if any(word in _HYPOTHETICAL or word.endswith("'d") for word in before):
            continue
        negated = any(word in _NEGATIONS or word.endswith("n't") for word in before)
        yield (decision["yes"] is not None) != negated


def read_answer(text: str) -> bool:
    """Return whether a responder's reply accepts the offer.

    Args:
        text: The responder's reply.

    Returns:
        True for an acceptance, False for a rejection.

    Raises:
        UnreadableTextError: If the reply has no decision, or contradictory ones.

    Example:
        >>> read_answer("Reject. Nobody sane would believe that I'd accept this.")
        False
    """
    taken = set(_decisions(text))
    if not taken:
        raise UnreadableTextError("neither an acceptance nor a rejection")
    if len(taken) == 2:
        raise UnreadableTextError("both an acceptance and a rejection")
    return taken.pop()
