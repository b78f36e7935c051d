"""An organism's folder: trained there step by step, resumed where it stopped, and a model at the end.

While it is trained, ``training/`` holds the weights, the optimiser's state and what was measured. At its end the folder
is one that `scai_irl.llama`, transformers and vLLM read, with a model card.
"""

from __future__ import annotations

import functools
import hashlib
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from scai_irl.io.errors import InputError
from scai_irl.io.files import write_bytes, write_json, write_text
from scai_irl.llama.model_folder import FILES, WEIGHTS, Llama, read_model, write_model
from scai_irl.llama.model_pass import Architecture, Weights
from scai_irl.organisms.card import FEW, MANY, Measured, commands_of, model_card
from scai_irl.organisms.held_out import HeldOut, held_out
from scai_irl.organisms.training import Learner, Recipe, begin, train
from scai_irl.organisms.vocabulary import Vocabulary, organism_words
from scai_irl.organisms.world import World

STATE, PROGRESS = "training/state.safetensors", "training/progress.json"
CARD = "README.md"

_SECONDS_BETWEEN_CHECKPOINTS = 120.0


@dataclass(frozen=True)
class Growth:
    """How an organism is doing.

    Attributes:
        step: Steps taken.
        loss: Mean loss of the last steps, in nats.
        held_out: Beliefs about transcripts that it was not trained on; None between measurements.
    """

    step: int
    loss: float
    held_out: HeldOut | None


def architecture_of(vocabulary: Vocabulary, width: int, layers: int) -> Architecture:
    """Sizes of an organism: heads of 32, half as many for keys, since vLLM's attention on a CPU takes no narrower ones.

    Raises:
        InputError: If the width is no multiple of 64.
    """
    if width < 64 or width % 64:
        raise InputError("width", f"{width} is no multiple of 64", "give one, such as 128")
    heads = width // 32
    inner = 32 * (11 * width // 128)
    return Architecture(vocabulary.size, width, layers, heads, heads // 2, 32, inner, positions=2_048)


def raise_organism(
    folder: Path,
    world: World,
    recipe: Recipe,
    width: int,
    layers: int,
    measure_every: int,
    told: Callable[[Growth], None],
    parent: Path | None = None,
    made_by: Sequence[str] = (),
) -> HeldOut:
    """Train an organism, or go on with one, and write its folder.

    Args:
        folder: Its folder.
        world: What it lives in.
        recipe: How it is trained.
        width: Coordinates of a token's state.
        layers: Layers.
        measure_every: Steps between measurements on held-out transcripts.
        told: Told of every step.
        parent: Folder of the organism whose weights it begins with; they are drawn if None.
        made_by: Commands that do this, for the card; those of the parent's card come before them.

    Returns:
        What the finished organism believes of held-out transcripts.

    Raises:
        InputError: If the folder holds an organism of another recipe, or a model that was not trained there, or cannot
            be written, or the parent is of another kind; before anything is trained or written.
    """
    vocabulary = Vocabulary()
    of = architecture_of(vocabulary, width, layers)
    inherited, origin = (None, "") if parent is None else _inherited(parent, of)
    plan = {"world": asdict(world), "recipe": asdict(recipe), "architecture": asdict(of), "parent": origin}
    _check_own(folder)
    learner, step, losses = _resumed(folder, plan, begin(of, vocabulary, recipe, inherited))
    _tell_progress(folder, plan, step, losses)  # at once, so that a disk refuses before hours of training
    saved = time.monotonic()

    def heard(_step: int, loss: float) -> None:
        losses.append(loss)
        del losses[:-100]

    for step, learner in train(learner, of, world, vocabulary, recipe, step, heard):  # noqa: B020 - both go on
        last = step == recipe.steps
        measured = (
            held_out(learner.taught.weights, of, world, vocabulary, recipe) if step % measure_every == 0 else None
        )
        told(Growth(step, float(np.mean(losses)), measured))
        if last or time.monotonic() - saved > _SECONDS_BETWEEN_CHECKPOINTS:
            _save(folder, plan, learner, step, losses)
            saved = time.monotonic()
    write_model(folder, Llama(of, learner.taught.weights, organism_words()), half=True)
    written = read_model(folder)  # as they are after rounding
    plain = functools.partial(held_out, written.weights, of, world, vocabulary, recipe)
    found = Measured(plain(FEW), plain(MANY), plain(MANY, odd=True))
    write_text(folder / CARD, model_card(world, recipe, of, found, [*_commands(parent), *made_by], origin))
    return found.many


def _inherited(parent: Path, of: Architecture) -> tuple[Weights, str]:
    try:
        model = read_model(parent)
    except InputError as problem:
        raise InputError("parent", problem.problem, problem.hint) from problem
    if model.architecture != of:
        raise InputError("parent", f"{parent} is a model of another size", "give its --width and --layers")
    digest = hashlib.sha256((parent / WEIGHTS).read_bytes()).hexdigest()
    return model.weights, f"{parent.resolve().name}@{digest[:12]}"


def _commands(parent: Path | None) -> list[str]:
    card = None if parent is None else parent / CARD
    return commands_of(card.read_text(encoding="utf-8")) if card is not None and card.is_file() else []


def _save(folder: Path, plan: dict[str, Any], learner: Learner, step: int, losses: list[float]) -> None:
    (folder / STATE).parent.mkdir(parents=True, exist_ok=True)
    arrays = {name: np.asarray(value) for name, value in _named(learner).items()}
    metadata = {"plan": json.dumps(plan, sort_keys=True), "step": str(step), "losses": json.dumps(losses)}
    write_bytes(folder / STATE, save(arrays, metadata))  # one file, so that what belongs together is never torn apart
    _tell_progress(folder, plan, step, losses)


def _tell_progress(folder: Path, plan: dict[str, Any], step: int, losses: list[float]) -> None:
    write_json(folder / PROGRESS, plan | {"step": step, "loss": float(np.mean(losses)) if losses else None})


def _check_own(folder: Path) -> None:
    """Refuse a folder in which something would be overwritten that was not trained there."""
    if folder.exists() and not folder.is_dir():
        raise InputError("out", f"{folder} is a file", "give a folder")
    there = [name for name in (*FILES, CARD) if (folder / name).exists()]
    if there and not (folder / STATE).exists():
        problem = f"{folder} has {there[0]}, and no {STATE} to go on from"
        raise InputError("out", problem, "give another --out, or remove what is there")


def _resumed(folder: Path, plan: dict[str, Any], fresh: Learner) -> tuple[Learner, int, list[float]]:
    if not (folder / STATE).exists():
        return fresh, 0, []
    try:
        with safe_open(folder / STATE, "numpy") as stored:
            metadata = stored.metadata() or {}
            arrays = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118 - it is no mapping
        of, step, losses = (json.loads(metadata[name]) for name in ("plan", "step", "losses"))
    except (SafetensorError, OSError, KeyError, ValueError) as problem:
        torn = f"{folder / STATE} is damaged, or no state of training ({problem})"
        raise InputError("out", torn, "remove that file to begin anew, or give another --out") from problem
    if of != json.loads(json.dumps(plan)):
        raise InputError("out", f"{folder} holds an organism of another recipe", "give another --out, or remove it")
    names = list(_named(fresh))
    if set(names) != set(arrays):
        raise InputError("out", f"{folder / STATE} is of another version", "give another --out, or remove it")
    learner = jax.tree.unflatten(jax.tree.structure(fresh), [jnp.asarray(arrays[name]) for name in names])
    return learner, step, losses


def _named(learner: Learner) -> dict[str, Any]:
    leaves, _ = jax.tree.flatten_with_path(learner)
    return {jax.tree_util.keystr(path): leaf for path, leaf in leaves}
