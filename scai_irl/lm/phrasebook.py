"""The phrasebook: a backend that translates by rule, loses nothing and needs no model.

It is the control condition. Asked to put a policy into words it writes the sentences of `scai_irl.language.phrases`;
asked to act on words it reads them back into π_θ and draws from exactly that, by the request's seed. Whatever
distance from the Bayesian posterior is left with this backend does not come from language.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from envs.norms import Policy
from envs.ultimatum import offer_of_units, offered_units
from scai_irl.language.fence import unfence
from scai_irl.language.phrases import read_policy, say_policy
from scai_irl.language.policy_json import policy_from_json
from scai_irl.lm.protocol import Backend, Completion, Feature, OnDone, Request, Usage, one_by_one

_REMEMBERED = 1 << 14  # (policy, stake) pairs whose tables are kept; 100 experiments' worth at 1 kB each


class Phrasebook(Backend):
    """A deterministic translator: the same requests always get the same answers.

    It reads the requests that `scai_irl.language.requests` writes, and those alone. Usage counts words.

    Example:
        >>> from envs import Norm, Policy
        >>> from scai_irl.language.requests import translation_request
        >>> Phrasebook().complete([translation_request(Policy.of(Norm("selfish")), seed=1)])[0].text[:32]
        '{"policy": "Keep as much as you '
    """

    name = "phrasebook"
    worth_keeping = False
    features: frozenset[Feature] = frozenset({"structure", "labels", "seed"})

    def complete(self, requests: Sequence[Request], on_done: OnDone | None = None) -> list[Completion]:
        """Answer every request, in order.

        Raises:
            ValueError: If a request was not made for the phrasebook.
        """
        return one_by_one(requests, self._answer, on_done)

    def _answer(self, request: Request) -> Completion:
        data = unfence(request.messages[-1].content)
        if data["task"] == "translate":
            answer: dict[str, object] = {"policy": say_policy(policy_from_json(data["policy"]))}
        elif data["task"] == "offer":
            answer = {"offer": _draw_offer(data["policy"], data["stake"], _uniform(request.seed))}
        elif data["task"] == "answer":
            accept = _accept_probability(data["policy"], data["stake"], data["offered"])
            answer = {"accept": bool(_uniform(request.seed) < accept)}
        else:
            raise ValueError(f"the phrasebook knows no task {data['task']!r}")
        text = json.dumps(answer)
        words_read = sum(len(message.content.split()) for message in request.messages)
        return Completion(text, usage=Usage(words_read, len(text.split())))


def _uniform(seed: int) -> float:
    """Turn a seed into a number in [0, 1), the same on every machine."""
    digest = hashlib.sha256(f"phrasebook:{seed}".encode()).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) * 2.0**-53


def _draw_offer(verbal_policy: str, stake: int, uniform: float) -> int:
    cumulative = _tables(verbal_policy, stake)[0]
    offer = int(np.searchsorted(cumulative, uniform * cumulative[-1], side="right"))
    return _units(offer, stake)


def _accept_probability(verbal_policy: str, stake: int, units: int) -> float:
    return float(_tables(verbal_policy, stake)[1][_offer(units, stake)])


@functools.lru_cache(_REMEMBERED)
def _units(offer: int, stake: int) -> int:
    return int(offered_units(jnp.asarray(offer), jnp.asarray(stake)))


@functools.lru_cache(_REMEMBERED)
def _offer(units: int, stake: int) -> int:
    return int(offer_of_units(jnp.asarray(units), jnp.asarray(stake)))


@functools.lru_cache(_REMEMBERED)
def _tables(verbal_policy: str, stake: int) -> tuple[Float[np.ndarray, "offer"], Float[np.ndarray, "offer"]]:
    """Cumulative probabilities of offers, and acceptance probabilities."""
    table = _grounded(verbal_policy).table(jnp.asarray([stake]))
    cumulative = np.cumsum(np.exp(np.asarray(table.offer[0], np.float64)))
    return cumulative, np.exp(np.asarray(table.accept[0], np.float64))


@functools.lru_cache(_REMEMBERED)
def _grounded(verbal_policy: str) -> Policy:
    return read_policy(verbal_policy)
