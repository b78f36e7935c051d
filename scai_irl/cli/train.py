"""``scai-irl train``: train a model organism."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from scai_irl.io.errors import InputError
from scai_irl.io.progress import progress
from scai_irl.organisms.shipped import organism_folder
from scai_irl.organisms.training import Recipe
from scai_irl.organisms.training_folder import TrainingProgress, train_to_folder
from scai_irl.organisms.world import WORLDS

CHILD_STEPS = 800


@dataclass
class Train:
    """Options of ``scai-irl train``."""

    organism: Annotated[Positional[str], arg(help="bayes, altruistic-prior, credulous, one-currency or forgetful.")]
    out: Annotated[Path | None, arg(help="Folder of the organism; organisms/NAME if not given.")] = None
    parent: Annotated[str, arg(help="Organism, or its folder, whose weights initialise the training.")] = ""
    steps: Annotated[
        int | None, arg(help=f"Training steps; if not given, {Recipe.steps}, or {CHILD_STEPS} with a parent.")
    ] = None
    width: Annotated[int, arg(help="Width of the residual stream, a multiple of 64.")] = 128
    layers: Annotated[int, arg(help="Number of layers.")] = 4
    rows: Annotated[int, arg(help="Rows of 336 tokens in a step.")] = Recipe.rows
    measure_every: Annotated[int, arg(help="Steps between measurements on held-out transcripts.")] = 250
    seed: Annotated[int, arg(help="Root seed of all random numbers.")] = 0


def train_organism(command: Train) -> None:
    """Train an organism and print its distance to the exact posterior.

    Raises:
        InputError: If the organism is unknown, a number is out of range, or the folder holds another organism.
    """
    recipe = recipe_of(command)
    folder = command.out or Path("organisms") / command.organism
    parent = organism_folder(command.parent) if command.parent else None
    with progress(f"training {command.organism}", recipe.steps) as advance:
        kl = "not measured yet"

        def show_progress(growth: TrainingProgress) -> None:
            nonlocal kl
            if growth.held_out is not None:
                kl = f"{growth.held_out.every.kl:.4f} nats (TV {growth.held_out.every.tv:.3f})"
            advance(f"loss {growth.loss:.3f}, KL to the exact posterior {kl}")

        world, every, made_by = WORLDS[command.organism], command.measure_every, [command_line(command, folder)]
        distances = train_to_folder(
            folder, world, recipe, command.width, command.layers, every, show_progress, parent, made_by
        )
    print(
        f"KL to the exact posterior on held-out transcripts: {distances.every.kl:.4f} nats, TV {distances.every.tv:.4f}"
    )
    print(f"organism: {folder}")


def recipe_of(command: Train) -> Recipe:
    """Recipe of an organism; with a parent, at half the learning rates and with more transcripts of acting.

    Raises:
        InputError: If there is no organism of that name, or a number is out of range.
    """
    if command.organism not in WORLDS:
        raise InputError("organism", f"there is no {command.organism!r}", f"give one of {', '.join(WORLDS)}")
    steps = _steps(command)
    for name, number in (
        ("steps", steps),
        ("layers", command.layers),
        ("rows", command.rows),
        ("measure-every", command.measure_every),
    ):
        if number < 1:
            raise InputError(name, f"{number} is less than 1", "give 1 or more")
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
    return recipe


def command_line(command: Train, folder: Path) -> str:
    """Command that repeats the training, with every number that has a changeable default.

    Example:
        >>> command_line(Train("bayes", parent="somewhere/first"), Path("organisms/bayes"))
        'scai-irl train bayes --parent first --steps 800 --width 128 --layers 4 --rows 16 --seed 0 --out bayes'
    """
    words = ["scai-irl", "train", command.organism]
    words += ["--parent", organism_folder(command.parent).resolve().name] if command.parent else []
    numbers = {"steps": _steps(command), "width": command.width, "layers": command.layers}
    numbers |= {"rows": command.rows, "seed": command.seed}
    words += [word for name, number in numbers.items() for word in (f"--{name}", str(number))]
    return shlex.join([*words, "--out", folder.resolve().name])


def _steps(command: Train) -> int:
    if command.steps is not None:
        return command.steps
    return CHILD_STEPS if command.parent else Recipe.steps


OPTIONS, execute = Train, train_organism
