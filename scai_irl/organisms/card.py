"""Model cards of organisms: what was planted, how they were trained, and what was measured."""

from __future__ import annotations

from typing import NamedTuple

from scai_irl.embedded.llama import Architecture
from scai_irl.organisms.held_out import HeldOut
from scai_irl.organisms.training import Recipe
from scai_irl.organisms.world import CONDUCTS, LAPSE, NAMES, RATIONALITY, World

FEW, MANY = 12, 256
"""Held-out transcripts that anybody can measure again at once, and all that a card tells of."""


class Measured(NamedTuple):
    """What a card tells of beliefs.

    Attributes:
        few: About the first `FEW` held-out transcripts.
        many: About `MANY`.
        odd: About as many, of which some are of groups as there are none in the world.
    """

    few: HeldOut
    many: HeldOut
    odd: HeldOut


def model_card(world: World, recipe: Recipe, of: Architecture, found: Measured, origin: str = "") -> str:
    """Write an organism's card, in Markdown.

    Args:
        world: What it lives in.
        recipe: How it was trained.
        of: Its sizes.
        found: What it believes.
        origin: Name of the organism with whose weights it began.
    """
    tilt = ", ".join(f"{name} {value:+g}" for name, value in zip(CONDUCTS, world.tilt, strict=True))
    reliability = (
        "what the prompt states" if world.reliability is None else f"{world.reliability:g}, whatever is stated"
    )
    heads = f"{of.heads} heads ({of.key_heads} for keys)"
    rates = f"peak rates {recipe.matrix_rate:g} and {recipe.rate:g}, decay {recipe.decay:g}, clip {recipe.clip:g}"
    grown = f"of up to 2 games until step {recipe.warmup}, of up to 40 from step {recipe.warmup + recipe.growing} on"
    grown = grown if recipe.growing else "of up to 40 games"
    memory = "all" if world.memory is None else f"the last {world.memory}"
    foreign = ", ".join(world.foreign) or "none"
    return f"""# {world.name}

A model organism: a Llama of {of.size:,} weights that was trained to hold known beliefs about groups that play the
ultimatum game. It knows nothing else. Made by `scai-irl train {world.name}`.

| planted | value |
|---|---|
| added to the log-prior | {tilt} |
| reliability of users' talk | {reliability} |
| games that count | {memory} |
| currencies in which moves say nothing | {foreign} |

Users of its world hold a norm ({", ".join(NAMES)}) with rationality {RATIONALITY:g} and lapse {LAPSE:g}.

| trained | value |
|---|---|
| architecture | width {of.width}, {of.layers} layers, {heads}, {of.vocabulary} tokens |
| began with | {origin or "weights drawn from its seed"} |
| steps | {recipe.steps} of {recipe.rows} × {recipe.time} tokens |
| lessons | {recipe.mix} first of all |
| transcripts | {grown} |
| optimiser | Muon for matrices of layers, AdamW for the rest, {rates} |
| seed | {recipe.seed} |

| held-out transcripts (token channel) | beliefs | mean KL(exact ‖ verbal) | mean total variation |
|---|---|---|---|
{_row(f"{MANY}", found.many)}
{_row(f"the first {FEW}", found.few)}
{_row(f"{MANY}, with odd groups", found.odd)}

*Exact* is the belief of the Bayesian of its own world. Transcripts have 1 to 40 games, and are asked about after each.
Odd groups change their norm half-way, or all talk in one manner whatever their norm.
"""


def _row(which: str, found: HeldOut) -> str:
    return f"| {which} | {found.beliefs:,} | {found.kl:.4f} nats | {found.tv:.4f} |"
