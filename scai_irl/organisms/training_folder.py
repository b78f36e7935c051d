"""Training of an organism in a folder, which can be resumed and becomes a model folder at the end.

During training, ``training/`` holds the weights, the optimiser's state and the measurements. At the end
`scai_irl.llama`, transformers and vLLM can read the folder, which has a model card.
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
class TrainingProgress:
    """Progress of an organism's training.

    Attributes:
        step: Number of steps.
        loss: Mean loss of the last steps, in nats.
        held_out: Distances of its beliefs about held-out transcripts; None between measurements.
    """

    step: int
    loss: float
    held_out: HeldOut | None


def architecture_of(vocabulary: Vocabulary, width: int, layers: int) -> Architecture:
    """Return the architecture of an organism: heads of width 32, the least for vLLM on a CPU, half as many for keys.

    Raises:
        InputError: If the width is not a multiple of 64.
    """
    if width < 64 or width % 64:
        raise InputError("width", f"{width} is not a multiple of 64", "give one, such as 128")
    heads = width // 32
    inner = 32 * (11 * width // 128)
    return Architecture(vocabulary.size, width, layers, heads, heads // 2, 32, inner, positions=2_048)


def train_to_folder(
    folder: Path,
    world: World,
    recipe: Recipe,
    width: int,
    layers: int,
    measure_every: int,
    on_progress: Callable[[TrainingProgress], None],
    parent: Path | None = None,
    made_by: Sequence[str] = (),
) -> HeldOut:
    """Train an organism, or resume its training, and write its folder.

    Args:
        folder: Its folder.
        world: Its world.
        recipe: Settings of training.
        width: Coordinates of a token's state.
        layers: Layers.
        measure_every: Steps between measurements on held-out transcripts.
        on_progress: Called after every step.
        parent: Folder of the organism with the initial weights; they are drawn if None.
        made_by: Commands of this training, for the card, after those of the parent's card.

    Returns:
        Distances of the finished organism's beliefs about held-out transcripts.

    Raises:
        InputError: If the folder holds an organism of another recipe, or a model that was not trained there, or cannot
            be written, or the parent is of another kind; raised before any training.
    """
    vocabulary = Vocabulary()
    architecture = architecture_of(vocabulary, width, layers)
    inherited, origin = (None, "") if parent is None else _inherited(parent, architecture)
    plan = {"world": asdict(world), "recipe": asdict(recipe), "architecture": asdict(architecture), "parent": origin}
    _check_own(folder)
    learner, step, losses = _resumed(folder, plan, begin(architecture, vocabulary, recipe, inherited))
    _write_progress(folder, plan, step, losses)  # at once, so that a full disk fails before hours of training
    saved = time.monotonic()

    def heard(_step: int, loss: float) -> None:
        losses.append(loss)
        del losses[:-100]

    for step, learner in train(learner, architecture, world, vocabulary, recipe, step, heard):  # noqa: B020 - both go on
        last = step == recipe.steps
        measured = (
            held_out(learner.taught.weights, architecture, world, vocabulary, recipe)
            if step % measure_every == 0
            else None
        )
        on_progress(TrainingProgress(step, float(np.mean(losses)), measured))
        if last or time.monotonic() - saved > _SECONDS_BETWEEN_CHECKPOINTS:
            _save(folder, plan, learner, step, losses)
            saved = time.monotonic()
    write_model(folder, Llama(architecture, learner.taught.weights, organism_words()), half=True)
    written = read_model(folder)  # with the weights after rounding
    plain = functools.partial(held_out, written.weights, architecture, world, vocabulary, recipe)
    result = Measured(plain(FEW), plain(MANY), plain(MANY, odd=True))
    write_text(folder / CARD, model_card(world, recipe, architecture, result, [*_commands(parent), *made_by], origin))
    return result.many


def _inherited(parent: Path, architecture: Architecture) -> tuple[Weights, str]:
    try:
        model = read_model(parent)
    except InputError as problem:
        raise InputError("parent", problem.problem, problem.hint) from problem
    if model.architecture != architecture:
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
    write_bytes(folder / STATE, save(arrays, metadata))  # one file, so that its parts always belong together
    _write_progress(folder, plan, step, losses)


def _write_progress(folder: Path, plan: dict[str, Any], step: int, losses: list[float]) -> None:
    write_json(folder / PROGRESS, plan | {"step": step, "loss": float(np.mean(losses)) if losses else None})


def _check_own(folder: Path) -> None:
    """Raise an error if the folder has a model that was not trained there."""
    if folder.exists() and not folder.is_dir():
        raise InputError("out", f"{folder} is a file", "give a folder")
    there = [name for name in (*FILES, CARD) if (folder / name).exists()]
    if there and not (folder / STATE).exists():
        problem = f"{folder} has {there[0]}, and no {STATE} to resume from"
        raise InputError("out", problem, "give another --out, or remove what is there")


def _resumed(folder: Path, plan: dict[str, Any], fresh: Learner) -> tuple[Learner, int, list[float]]:
    if not (folder / STATE).exists():
        return fresh, 0, []
    try:
        with safe_open(folder / STATE, "numpy") as stored:
            metadata = stored.metadata() or {}
            arrays = {name: stored.get_tensor(name) for name in stored.keys()}  # noqa: SIM118 - it is no mapping
        stored_plan, step, losses = (json.loads(metadata[name]) for name in ("plan", "step", "losses"))
    except (SafetensorError, OSError, KeyError, ValueError) as problem:
        torn = f"{folder / STATE} is damaged, or not a state of training ({problem})"
        raise InputError("out", torn, "remove that file to begin anew, or give another --out") from problem
    if stored_plan != json.loads(json.dumps(plan)):
        raise InputError("out", f"{folder} holds an organism of another recipe", "give another --out, or remove it")
    names = list(_named(fresh))
    if set(names) != set(arrays):
        raise InputError("out", f"{folder / STATE} is of another version", "give another --out, or remove it")
    learner = jax.tree.unflatten(jax.tree.structure(fresh), [jnp.asarray(arrays[name]) for name in names])
    return learner, step, losses


def _named(learner: Learner) -> dict[str, Any]:
    leaves, _ = jax.tree.flatten_with_path(learner)
    return {jax.tree_util.keystr(path): leaf for path, leaf in leaves}
