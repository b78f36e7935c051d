"""``scai-irl train``: raise a model organism."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from scai_irl.errors import InputError
from scai_irl.organisms.nursery import Growth, raise_organism
from scai_irl.organisms.shipped import organism_folder
from scai_irl.organisms.training import Recipe
from scai_irl.organisms.world import WORLDS
from scai_irl.progress import progress

CHILD_STEPS = 800


@dataclass
class Train:
    """Train a model organism: a small language model with beliefs that are known. Goes on where it was stopped."""

    organism: Annotated[Positional[str], arg(help="bayes, altruistic-prior, credulous, one-currency or forgetful.")]
    out: Annotated[Path | None, arg(help="Its folder; organisms/NAME unless given.")] = None
    parent: Annotated[str, arg(help="Organism, or its folder, whose weights it begins with.")] = ""
    steps: Annotated[
        int | None, arg(help=f"Steps of training; {Recipe.steps} unless given, and {CHILD_STEPS} with a parent.")
    ] = None
    width: Annotated[int, arg(help="Coordinates of a token's state, a multiple of 64.")] = 128
    layers: Annotated[int, arg(help="Layers.")] = 4
    rows: Annotated[int, arg(help="Rows of 336 tokens in a step.")] = Recipe.rows
    measure_every: Annotated[int, arg(help="Steps between measurements on held-out transcripts.")] = 250
    seed: Annotated[int, arg(help="Root of all randomness.")] = 0


def train_organism(command: Train) -> None:
    """Train an organism and say what was measured.

    Raises:
        InputError: If there is none of that name, a number makes no sense, or the folder holds another.
    """
    if command.organism not in WORLDS:
        raise InputError("organism", f"there is no {command.organism!r}", f"give one of {', '.join(WORLDS)}")
    steps = command.steps if command.steps is not None else CHILD_STEPS if command.parent else Recipe.steps
    for name, number in (
        ("steps", steps),
        ("layers", command.layers),
        ("rows", command.rows),
        ("measure-every", command.measure_every),
    ):
        if number < 1:
            raise InputError(name, f"{number} is less than 1", "give 1 or more")
    folder = command.out or Path("organisms") / command.organism
    recipe = Recipe(
        steps,
        command.rows,
        predictions=Recipe.predictions * command.rows // Recipe.rows + Recipe.time,
        warmup=max(1, min(Recipe.warmup, steps // 5)),
        growing=0 if command.parent else min(Recipe.growing, steps // 5),
        seed=command.seed,
    )
    if command.parent:
        recipe = replace(
            recipe, rate=recipe.rate / 2, matrix_rate=recipe.matrix_rate / 2, mix="acting", degrees=2.0, strays=30.0
        )
    parent = organism_folder(command.parent) if command.parent else None
    with progress(f"training {command.organism}", steps) as advance:
        kl = "not measured yet"

        def told(growth: Growth) -> None:
            nonlocal kl
            if growth.held_out is not None:
                kl = f"{growth.held_out.kl:.4f} nats (TV {growth.held_out.tv:.3f})"
            advance(f"loss {growth.loss:.3f}, KL to the exact posterior {kl}")

        found = raise_organism(
            folder, WORLDS[command.organism], recipe, command.width, command.layers, command.measure_every, told, parent
        )
    print(f"KL to the exact posterior on held-out transcripts: {found.kl:.4f} nats, TV {found.tv:.4f}")
    print(f"organism: {folder}")
