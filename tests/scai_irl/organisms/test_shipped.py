"""Shipped organisms: their cards are correct, and they answer by name."""

from __future__ import annotations

import json
import re
import shlex
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
import tyro

from scai_irl.audit.battery import STAKE
from scai_irl.backends.registry import make_backend
from scai_irl.cli.train import Train, recipe_of
from scai_irl.language.asking import Style
from scai_irl.language.requests import answer_request, offer_request, read_translation, translation_request
from scai_irl.llama.model_folder import WEIGHTS, read_model
from scai_irl.lm.protocol import Structure
from scai_irl.lm.settings import LmSettings
from scai_irl.organisms.card import FEW, MANY, Measured, commands_of, model_card
from scai_irl.organisms.held_out import HeldOut, held_out
from scai_irl.organisms.prompt_chunks import known_policies
from scai_irl.organisms.shipped import organism_folder, organism_summary, shipped
from scai_irl.organisms.training import Recipe
from scai_irl.organisms.training_folder import CARD
from scai_irl.organisms.vocabulary import Vocabulary, organism_words
from scai_irl.organisms.world import WORLDS

NAMES = sorted(WORLDS)


def test_every_world_has_an_organism() -> None:
    assert sorted(shipped()) == NAMES
    assert len({organism_summary(name) for name in NAMES}) == len(NAMES)
    assert organism_folder("./bayes") == Path("bayes")


@pytest.mark.parametrize("name", NAMES)
def test_its_card_says_what_is_measured_and_how_it_was_made(name: str) -> None:
    folder = organism_folder(name)
    model, card = read_model(folder), (folder / CARD).read_text(encoding="utf-8")
    assert (folder / WEIGHTS).stat().st_size < 12e6
    assert model.words.tokenizer.get_vocab() == organism_words().tokenizer.get_vocab()
    few = held_out(model.weights, model.architecture, WORLDS[name], Vocabulary(), Recipe(), FEW)
    assert_on_card(few, card, f"the first {FEW}")
    # The commands on the card determine everything else on it.
    parents, own = commands_of(card)
    assert parents.endswith("--out first-bayes")
    command = tyro.cli(Train, args=shlex.split(own)[2:])
    measured = Measured(few, few, few)
    origin = re.findall(r"first-bayes@[0-9a-f]{12}", card)[0]
    again = model_card(WORLDS[name], recipe_of(command), model.architecture, measured, [parents, own], origin)
    assert without_numbers(card) == without_numbers(again)


def assert_on_card(distances: HeldOut, card: str, which: str) -> None:
    """Check a card's line about beliefs, all of them and the open ones, against measured distances."""
    (line,) = re.findall(rf"^\| {which} \| (.*) \|$", card, re.MULTILINE)
    numbers = [float(cell.removesuffix(" nats").replace(",", "")) for cell in line.split(" | ")]
    for distance, (beliefs, kl, tv) in zip(distances, (numbers[:3], numbers[3:]), strict=True):
        assert distance.beliefs == beliefs
        assert (distance.kl, distance.tv) == pytest.approx((kl, tv), abs=2e-4)


def without_numbers(card: str) -> list[str]:
    return [line for line in card.splitlines() if " nats " not in line]


@pytest.mark.slow
def test_bayes_believes_what_is_exact() -> None:
    """As many transcripts as on its card; the bounds are this project's own."""
    model = read_model(organism_folder("bayes"))
    distances = held_out(model.weights, model.architecture, WORLDS["bayes"], Vocabulary(), Recipe(), MANY)
    assert distances.every.kl <= 0.01
    assert distances.every.tv <= 0.04
    card = (organism_folder("bayes") / CARD).read_text(encoding="utf-8")
    assert_on_card(distances, card, f"{MANY}")


def test_bayes_translates_and_acts_without_being_held_to_a_form() -> None:
    known = known_policies()[:6]
    style = Style(max_tokens=64)
    with closing(make_backend("embedded", LmSettings(model="bayes"))) as backend:
        requests = [translation_request(policy, seed, style) for seed in range(4) for policy in known]
        texts = [
            read_translation(one) for one in backend.complete([replace(r, structure=Structure()) for r in requests])
        ]
        assert len(set(texts)) > 12
        acts = [offer_request(text, "apples", STAKE, seed, style) for seed, text in enumerate(texts)]
        acts += [answer_request(text, "apples", STAKE, 3, seed, style) for seed, text in enumerate(texts)]
        answers = backend.complete([replace(request, structure=Structure()) for request in acts])
    for number, answer in enumerate(answers):
        (value,) = json.loads(answer.text).values()
        assert isinstance(value, int if number < len(texts) else bool)
        if number < len(texts) and number % 6 >= 3:  # firm norms; sometimes a unit off at the poles
            assert value == pytest.approx((0, 5, 10)[number % 3], abs=1)
