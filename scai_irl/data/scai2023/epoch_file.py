"""Reader of one epoch file of SCAI (2023): its interactions, its verbal policy, and the parts that cannot be read."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, ParamSpec, TypeVar

from scai_irl.data.scai2023.archive import EpochFile, Unread
from scai_irl.data.scai2023.replies import UnreadableTextError, read_answer, read_offer
from scai_irl.data.scai2023.scai_prompts import (
    read_manner,
    read_prior,
    read_prompt,
    read_user_policy,
    read_verbal_policy,
    read_written,
)

Row = dict[str, object]
Arguments = ParamSpec("Arguments")
Read = TypeVar("Read")

_META = "system"  # the key of the MetaLM's calls
_KEY = re.compile(r"(\d{1,4})_(fixed|flexible)_policy_(dictator|decider)")


@dataclass
class RecordedEpoch:
    """Content of one epoch file.

    Attributes:
        file: The file.
        plays: One row for each interaction that was read, without the group.
        verbal_policy: The row of the verbal policy, without the group; None if it was not read.
        seats: Numbers of roles of assistants and of users in the interactions; None unless each interaction has its two
            roles.
        unread: Parts that could not be read.
    """

    file: EpochFile
    plays: list[Row] = field(default_factory=list)
    verbal_policy: Row | None = None
    seats: tuple[int, int] | None = None
    unread: list[Unread] = field(default_factory=list)

    def give_up(self, where: str, reason: object) -> None:
        """Add a part to the list of unread parts."""
        self.unread.append(Unread(self.file.name, where, str(reason)))

    def attempt(
        self,
        where: str,
        read: Callable[Arguments, Read],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Read | None:
        """Return the result of `read`, or None after adding its error to the list of unread parts."""
        try:
            return read(*args, **kwargs)
        except UnreadableTextError as reason:
            self.give_up(where, reason)
            return None


class Side(NamedTuple):
    """One agent's side of an interaction.

    `manner` is None for assistants, whose prompts state none. `prior` is the policy that an assistant starts from; it
    is None when the assistant follows a verbal policy.
    """

    agent: str
    prompt: str
    stake: int
    currency: str
    policy: str
    prior: str | None
    manner: str | None
    reply: str


def read_epoch(file: EpochFile) -> RecordedEpoch:
    """Read an epoch file; broken parts are listed with the reason, and the rest is kept."""
    record = RecordedEpoch(file)
    content = record.attempt("", _json_object, file.content)
    if content is None:
        return record
    keys = _keys_of_plays(content, record)
    interactions: dict[int, tuple[Side, Side]] = {}
    for play, (proposer_key, responder_key) in keys.items():
        proposer = record.attempt(proposer_key, _side, proposer_key, content, file.epoch)
        responder = record.attempt(responder_key, _side, responder_key, content, file.epoch)
        if proposer is not None and responder is not None:
            interactions[play] = proposer, responder
    sides = [side for pair in interactions.values() for side in pair]
    manners = {side.manner for side in sides if side.manner is not None}
    for play, (proposer, responder) in interactions.items():
        row = record.attempt(f"interaction {play}", _play, proposer, responder, manners)
        if row is None:
            continue
        proposer_key, responder_key = keys[play]
        offer = record.attempt(proposer_key, read_offer, proposer.reply, proposer.stake)
        accepted = record.attempt(responder_key, read_answer, responder.reply)
        share = None if offer is None else offer / proposer.stake
        outcome = {"play": play, "offer": offer, "offered_share": share, "accepted": accepted}
        record.plays.append(_keys_of_epoch(file) | row | outcome)
    reply = record.attempt(_META, _meta_reply, content)
    written = None if reply is None else record.attempt(_META, read_written, reply)
    if reply is not None and written is not None:
        row = {"full_text": reply, "written": written[0], "revised": written[1]}
        record.verbal_policy = _keys_of_epoch(file) | row | _prompt_contents(sides, record)
    return record


def _keys_of_epoch(file: EpochFile) -> Row:
    return {
        "experiment": file.experiment,
        "condition": file.condition,
        "run": file.run,
        "epoch": file.epoch,
    }


def _json_object(content: bytes) -> dict[str, object]:
    try:
        value = json.loads(content)
        if rb"\ud" in content.lower():  # an escaped lone surrogate is legal JSON, but a table cannot hold it
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise UnreadableTextError(f"broken JSON ({error})") from error
    if not isinstance(value, dict):
        raise UnreadableTextError(f"a JSON {type(value).__name__}, not an object")
    return value


def _keys_of_plays(content: dict[str, object], record: RecordedEpoch) -> dict[int, tuple[str, str]]:
    """Return the JSON keys of the proposer and the responder of each interaction that has both."""
    keys: dict[tuple[int, str], list[str]] = defaultdict(list)
    for key in content:
        match = _KEY.fullmatch(key)
        if match is not None:
            keys[int(match[1]), match[3]].append(key)
        elif key != _META:
            record.give_up(key, "an unknown key")
    n_plays = 1 + max((play for play, _ in keys), default=-1)
    if n_plays == 0:
        record.give_up("", "no interaction in it")
    pairs: dict[int, tuple[str, str]] = {}
    for play in range(n_plays):
        proposers, responders = keys[play, "dictator"], keys[play, "decider"]
        if len(proposers) == len(responders) == 1:
            pairs[play] = proposers[0], responders[0]
        else:
            reason = f"{len(proposers)} proposers and {len(responders)} responders, not one of each"
            record.give_up(f"interaction {play}", reason)
    if 0 < n_plays == len(pairs):
        assistants = sum("flexible" in key for pair in pairs.values() for key in pair)
        record.seats = assistants, 2 * n_plays - assistants
    return pairs


def _side(key: str, content: dict[str, object], epoch: int) -> Side:
    calls = content[key]
    if not isinstance(calls, list) or len(calls) != 1:
        raise UnreadableTextError("not a list of one call")
    prompt_text, reply = _text(calls[0], "prompt"), _text(calls[0], "response")
    prompt = read_prompt(prompt_text)
    if "_fixed_" in key:
        agent, prior, manner = "user", None, read_manner(prompt)
        policy = read_user_policy(prompt)
    else:
        agent, prior, manner = "assistant", read_prior(prompt) if epoch == 1 else None, None
        policy = prior or read_verbal_policy(prompt.instruction)
    return Side(agent, prompt_text, prompt.stake, prompt.currency, policy, prior, manner, reply)


def _text(call: object, key: str) -> str:
    text = call.get(key) if isinstance(call, dict) else None
    if not isinstance(text, str):
        raise UnreadableTextError(f"a call without the text {key!r}")
    return text


def _meta_reply(content: dict[str, object]) -> str:
    """Return the MetaLM's last reply; an entry without a prompt only repeats the text in force."""
    calls = content.get(_META)
    if not isinstance(calls, list) or not calls:
        raise UnreadableTextError("no calls of the MetaLM")
    _text(calls[-1], "prompt")
    return _text(calls[-1], "full_response")


def _play(proposer: Side, responder: Side, manners_in_file: set[str]) -> Row:
    """Return the row of an interaction, without the offer and the answer."""
    if (proposer.stake, proposer.currency) != (responder.stake, responder.currency):
        raise UnreadableTextError(
            f"the proposer divides {proposer.stake} {proposer.currency},"
            f" the responder {responder.stake} {responder.currency}"
        )
    if " ".join(proposer.reply.split()) not in " ".join(responder.prompt.split()):
        raise UnreadableTextError("the responder was shown another offer than the proposer's")
    manners = {side.manner for side in (proposer, responder) if side.manner is not None}
    # Prompts of assistants state no manner; between assistants, the manner is that of the epoch's users.
    manners = manners or manners_in_file
    if len(manners) > 1:
        raise UnreadableTextError(f"several manners: {', '.join(sorted(manners))}")
    return {
        "pairing": proposer.agent[0] + responder.agent[0],
        "proposer": proposer.agent,
        "responder": responder.agent,
        "currency": proposer.currency,
        "stake": proposer.stake,
        "proposer_policy": proposer.policy,
        "responder_policy": responder.policy,
        "manner": _joined(manners),
        "proposer_text": proposer.reply,
        "responder_text": responder.reply,
    }


def _prompt_contents(sides: list[Side], record: RecordedEpoch) -> Row:
    """Return the columns of the verbal policy that come from the prompts of the epoch's agents."""
    texts = {side.policy for side in sides if side.agent == "assistant" and side.prior is None}
    if len(texts) > 1:
        record.give_up("in_force", f"the assistants follow {len(texts)} different texts")
    users = [side for side in sides if side.agent == "user"]
    priors = [side.prior for side in sides if side.prior is not None]
    return {
        "currency": _joined({side.currency for side in sides}),
        "in_force": texts.pop() if len(texts) == 1 else None,
        "initial_priors": ";".join(priors) or None,
        "user_policies": _joined({f"{side.currency}:{side.policy}" for side in users}),
        "manner": _joined({side.manner for side in users if side.manner is not None}),
    }


def _joined(names: set[str]) -> str | None:
    return ";".join(sorted(names)) or None
