"""The phrasebook: a backend that translates by rule, without loss and without a model.

It is the control condition. It translates a policy into the sentences of `scai_irl.language.phrases`. To act on a text,
it parses the text back into π_θ and samples from it exactly, by the request's seed. So any distance from the Bayesian
posterior that remains with this backend does not come from language.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from envs.policy import Policy
from envs.ultimatum import offer_of_units, offered_units
from scai_irl.backends.phrasebook.new_currencies import policy_in_new_currency, transfer_probability
from scai_irl.backends.phrasebook.norm_beliefs import own_prior, posterior_over, updated
from scai_irl.backends.phrasebook.variants import exploiting_text, in_line
from scai_irl.language.fence import unfence
from scai_irl.language.games import Candidates, games_from_json
from scai_irl.language.manners import say
from scai_irl.language.phrases import read_policy, say_policy
from scai_irl.language.policy_json import policy_from_json
from scai_irl.language.transfer_requests import LEARNT_IN, REASON
from scai_irl.lm.protocol import Backend, Completion, Feature, OnDone, Request, Usage, one_by_one

Data = Mapping[str, Any]
Answer = dict[str, object] | str

_REMEMBERED = 1 << 14  # (policy, stake) pairs whose tables are cached, 1 kB each: enough for 100 experiments


class Phrasebook(Backend):
    """A deterministic translator: the same requests always get the same answers.

    It reads only the requests that `scai_irl.language` writes. Usage counts words instead of tokens.

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
            ValueError: If a request has another form.
        """
        return one_by_one(requests, self._answer, on_done)

    def _answer(self, request: Request) -> Completion:
        data = unfence(request.messages[-1].content)
        task, uniform = data["task"], _uniform(request.seed)
        if task not in _TASKS:
            raise ValueError(f"the phrasebook knows no task {task!r}")
        words_read = sum(len(message.content.split()) for message in request.messages)
        if request.labels:
            with np.errstate(divide="ignore"):
                scores = np.log(_beliefs(data))
            return Completion("", usage=Usage(words_read, 0), label_log_probs=tuple(map(float, scores)))
        answer = _TASKS[task](data, uniform)
        text = answer if isinstance(answer, str) else json.dumps(answer)
        return Completion(text, usage=Usage(words_read, len(text.split())))


def _translate(data: Data, _: float) -> Answer:
    return {"policy": say_policy(policy_from_json(data["policy"]))}


def _offered(data: Data, uniform: float) -> Answer:
    return {"offer": _draw_offer(data["policy"], data["stake"], uniform)}


def _answered(data: Data, uniform: float) -> Answer:
    return {"accept": bool(uniform < _accept_probability(data["policy"], data["stake"], data["offered"]))}


def _offered_with_message(data: Data, uniform: float) -> Answer:
    return {**_offered(data, uniform), "message": _say(data, uniform)}  # type: ignore[dict-item]


def _answered_with_message(data: Data, uniform: float) -> Answer:
    return {**_answered(data, uniform), "message": _say(data, uniform)}  # type: ignore[dict-item]


def _say(data: Data, uniform: float) -> str:
    return say(data["manner"], int(uniform * 2**52))


def _offered_in_new_currency(data: Data, uniform: float) -> Answer:
    offer = _draw_offer(say_policy(policy_in_new_currency(data)), data["stake"], uniform)
    if REASON not in data:
        return {"offer": offer}
    probability = transfer_probability(data[LEARNT_IN], data["currency"])
    return {REASON: f"What holds for {data[LEARNT_IN]} holds here with chance {probability:.2f}.", "offer": offer}


def _learn(data: Data, uniform: float) -> Answer:
    """Sample a policy from the posterior; without norms and interactions, repeat the earlier policy."""
    if "norms" in data:
        return {"policy": say_policy(Candidates.from_json(data).policies[_draw(_beliefs(data), uniform)])}
    if not data["games"] and "earlier policy" in data:
        return {"policy": data["earlier policy"]}
    return {"policy": _one_of(updated(own_prior(), games_from_json(data["games"])), uniform)}


def _exploit(data: Data, uniform: float) -> Answer:
    """Sample a policy from the posterior, and return a policy that takes advantage of users who hold it."""
    learnt: Any = _learn(data, uniform)
    return {"policy": exploiting_text(read_policy(learnt["policy"]))}


def _strictly_answered(data: Data, _: float) -> Answer:
    return {"accept": in_line(data["policy"], data["stake"], data["offered"])}


def _believe(data: Data, _: float) -> Answer:
    """Return the updated verbal belief: the sentences of the posterior mixture of norms."""
    earlier = read_policy(data["earlier belief"]) if "earlier belief" in data else _stated_prior(data)
    return {"belief": say_policy(updated(earlier, games_from_json(data["games"])))}


def _stated_prior(data: Data) -> Policy:
    if "norms" not in data:
        return own_prior()
    candidates = Candidates.from_json(data)
    parts = zip(candidates.prior, candidates.policies, strict=True)
    return Policy(tuple((chance * weight, norm) for chance, policy in parts for weight, norm in policy.parts))


def _draw_policy(data: Data, uniform: float) -> Answer:
    return {"policy": _one_of(read_policy(data["belief"]), uniform)}


def _state(data: Data, _: float) -> Answer:
    labels = [norm["label"] for norm in data["norms"]]
    return dict(zip(labels, map(float, _beliefs(data)), strict=True))


def _choose(data: Data, uniform: float) -> Answer:
    return str(data["norms"][_draw(_beliefs(data), uniform)]["label"])


_TASKS: dict[str, Callable[[Data, float], Answer]] = {
    "translate": _translate,
    "learn": _learn,
    "believe": _believe,
    "draw": _draw_policy,
    "offer": _offered,
    "answer": _answered,
    "user-offer": _offered_with_message,
    "user-answer": _answered_with_message,
    "state": _state,
    "choose": _choose,
    "transfer": _offered_in_new_currency,
    "exploit": _exploit,
    "strict-answer": _strictly_answered,
}
"""Function that answers each kind of request, from its data and a uniform random number."""


def _beliefs(data: Data) -> Float[np.ndarray, "candidate"]:
    return posterior_over(Candidates.from_json(data), games_from_json(data["games"]))


def _one_of(mixture: Policy, uniform: float) -> str:
    weights = np.array([weight for weight, _ in mixture.parts])
    return say_policy(Policy.of(mixture.parts[_draw(weights, uniform)][1]))


def _draw(weights: Float[np.ndarray, "n"], uniform: float) -> int:
    cumulative = np.cumsum(weights)
    return min(int(np.searchsorted(cumulative, uniform * cumulative[-1], side="right")), len(weights) - 1)


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
    """Return the cumulative probabilities of offers, and the acceptance probabilities."""
    table = _read_policy(verbal_policy).table(jnp.asarray([stake]))
    cumulative = np.cumsum(np.exp(np.asarray(table.offer[0], np.float64)))
    return cumulative, np.exp(np.asarray(table.accept[0], np.float64))


@functools.lru_cache(_REMEMBERED)
def _read_policy(verbal_policy: str) -> Policy:
    return read_policy(verbal_policy)
