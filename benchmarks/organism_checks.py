"""Checks of a model organism's behaviour: whether its free answers can be parsed, and whether it follows policies.

``python -m benchmarks.organism_checks --model bayes``. Requests have no structured output. They cover every kind and
wording that organisms know, about held-out groups. Offers are not sampled but scored: every number of units is a label,
so the mean offered share has no sampling error. It is compared with the mean of the policy that the text expresses.
"""

from __future__ import annotations

import argparse
import functools
import json
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
from tabulate import tabulate

from benchmarks.report import machine
from envs.contexts import MANNERS
from envs.seeds import derive_seed
from scai_irl.backends.embedded import Embedded
from scai_irl.language.asking import Style
from scai_irl.language.belief_requests import learn_request, read_stated, read_token_posterior, state_request
from scai_irl.language.instructions import WORDINGS
from scai_irl.language.phrases import say_policy
from scai_irl.language.requests import (
    answer_request,
    offer_request,
    read_answer,
    read_offer,
    read_translation,
    read_user_answer,
    read_user_offer,
    translation_request,
    user_answer_request,
    user_offer_request,
)
from scai_irl.lm.protocol import Backend, Completion, Request, Structure
from scai_irl.lm.settings import LmSettings
from scai_irl.organisms.curriculum import behaviour_of
from scai_irl.organisms.prompt_chunks import LABELS, known_policies
from scai_irl.organisms.transcripts import draw_transcript
from scai_irl.organisms.wordings import FIRM, LOOSE, policy_text
from scai_irl.organisms.world import CURRENCIES, NAMES, WORLDS

CheckedRequest = tuple[Request, Callable[[Completion], object]]
_TYPES: dict[str, tuple[type, ...]] = {"string": (str,), "number": (int, float), "integer": (int,), "boolean": (bool,)}
STAKES = range(10, 101, 10)


def random_request(kind: str, seed: int) -> CheckedRequest:
    """Return a random request of a kind, with the reader of its answer."""
    rng = np.random.default_rng(derive_seed(seed, "checks", kind))
    number, stake = int(rng.integers(2 * len(NAMES))), int(rng.integers(10, 101))
    policy, currency = known_policies()[number], CURRENCIES[int(rng.integers(len(CURRENCIES)))]
    text = policy_text(NAMES[number % 3], (LOOSE, FIRM)[number // 3], rng)
    style = Style(max_tokens=128, wording=1 + seed % WORDINGS)
    transcript = draw_transcript(WORLDS["bayes"], rng, odd=False)
    manner, units = MANNERS[int(rng.integers(len(MANNERS)))], int(rng.integers(stake + 1))
    of: dict[str, Callable[[], CheckedRequest]] = {
        "state": lambda: (
            state_request(transcript.candidates, transcript.games, seed, style),
            functools.partial(read_stated, labels=LABELS),
        ),
        "learn": lambda: (learn_request(transcript.games, seed, style), read_translation),
        "translate": lambda: (translation_request(policy, seed, style), read_translation),
        "offer": lambda: (
            offer_request(text, currency, stake, seed, style),
            functools.partial(read_offer, stake=stake),
        ),
        "answer": lambda: (answer_request(text, currency, stake, units, seed, style), read_answer),
        "user-offer": lambda: (
            user_offer_request(policy, manner, currency, stake, seed, style),
            functools.partial(read_user_offer, stake=stake),
        ),
        "user-answer": lambda: (
            user_answer_request(policy, manner, currency, stake, units, seed, style),
            read_user_answer,
        ),
    }
    return of[kind]()


KINDS = ("state", "learn", "translate", "offer", "answer", "user-offer", "user-answer")


def validity(backend: Backend, number: int) -> pd.DataFrame:
    """Count answers that are JSON with the requested entries, and those that can be read, without structured output.

    What cannot be read may well be JSON: an offer above the stake, or probabilities that do not add up to 1.
    """
    rows = []
    for kind in KINDS:
        both = [random_request(kind, seed) for seed in range(number)]
        answers = backend.complete([replace(request, structure=Structure()) for request, _ in both])
        valid = sum(is_json(request, answer) for (request, _), answer in zip(both, answers, strict=True))
        readable = sum(can_be_read(read, answer) for (_, read), answer in zip(both, answers, strict=True))
        rows.append((kind, number, valid / number, readable / number))
    whole = pd.DataFrame(rows, columns=["kind", "asked", "valid JSON", "readable"])
    total = whole[["valid JSON", "readable"]].mean()
    rows.append(("all", number * len(KINDS), float(total["valid JSON"]), float(total["readable"])))
    return pd.DataFrame(rows, columns=whole.columns)


def is_json(request: Request, answer: Completion) -> bool:
    """Return whether an answer is JSON with the requested entries, each of its type."""
    schema = request.structure.value
    assert isinstance(schema, Mapping)
    try:
        value = json.loads(answer.text)
    except ValueError:
        return False
    entries = schema["properties"]
    return (
        isinstance(value, dict)
        and set(value) == set(entries)
        and all(type(value[name]) in _TYPES[entries[name]["type"]] for name in value)  # true is an int, but no number
    )


def can_be_read(read: Callable[[Completion], object], answer: Completion) -> bool:
    """Return whether an answer can also be read."""
    try:
        read(answer)
    except ValueError:
        return False
    return True


def acting(backend: Backend, texts: int, stakes: Iterable[int] = STAKES) -> pd.DataFrame:
    """Compute the mean offered share under every verbal policy at some stakes and currencies, and the policy's own."""
    cells, requests = [], []
    for number, stake, currency, seed in product(range(6), stakes, CURRENCIES, range(texts)):
        rng = np.random.default_rng(derive_seed(seed, "acting", number, stake, currency))
        policy, firmness = known_policies()[number], (LOOSE, FIRM)[number // 3]
        text = say_policy(policy) if seed == 0 else policy_text(NAMES[number % 3], firmness, rng)
        labels = tuple(f'{{"offer": {units}}}' for units in range(stake + 1))
        request = offer_request(text, currency, stake, seed, Style(wording=1 + seed % WORDINGS))
        requests.append(replace(request, structure=Structure("choice", labels), labels=labels))
        cells.append((f"{NAMES[number % 3]}, {firmness}", number, stake, currency))
    rows = []
    for (name, number, stake, currency), answer in zip(cells, backend.complete(requests), strict=True):
        chance = np.array(read_token_posterior(answer, tuple(map(str, range(stake + 1)))))
        own = _offers_of(number)[stake, : stake + 1]
        shares = np.arange(stake + 1) / stake
        rows.append((name, stake, currency, float(chance @ shares), float(own @ shares / own.sum())))
    return pd.DataFrame(rows, columns=["policy", "stake", "currency", "offered", "policy's"])


@functools.lru_cache
def _offers_of(number: int) -> np.ndarray:
    return behaviour_of(known_policies()[number])[0]


def main() -> None:
    """Read the command line, measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.organism_checks", description=__doc__)
    parser.add_argument("--model", default="bayes", help="organism, or folder of one")
    parser.add_argument("--number", type=int, default=1_000, help="requests of each kind")
    parser.add_argument("--texts", type=int, default=3, help="texts of each policy, stake and currency")
    options = parser.parse_args()
    with closing(Embedded(LmSettings(model=options.model))) as backend:
        valid, acts = validity(backend, options.number), acting(backend, options.texts)
    acts["off"] = (acts["offered"] - acts["policy's"]).abs()
    by_cell = acts.groupby(["policy", "stake"])[["offered", "policy's"]].mean()
    worst = (by_cell["offered"] - by_cell["policy's"]).abs()
    shown = acts.groupby("policy", sort=False)[["offered", "policy's", "off"]].mean()
    shown["largest at a stake"] = worst.groupby("policy").max()
    lines = [
        tabulate(valid.values.tolist(), headers=list(valid.columns), floatfmt=".4f"),
        "",
        tabulate(shown.reset_index().values.tolist(), headers=["policy", *shown.columns], floatfmt=".4f"),
        f"offers at stakes 10, 20 … 100 in {len(CURRENCIES)} currencies, {options.texts} texts each; 'off' is the mean "
        "distance text by text, 'largest at a stake' that of means over texts and currencies",
        machine(),
    ]
    sys.stdout.write("\n".join([*lines, ""]))


if __name__ == "__main__":
    main()
