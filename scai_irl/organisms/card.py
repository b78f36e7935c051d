"""Model cards of organisms: what was planted, how they were trained, and what was measured."""

from __future__ import annotations

from scai_irl.embedded.llama import Architecture
from scai_irl.organisms.held_out import HeldOut
from scai_irl.organisms.training import Recipe
from scai_irl.organisms.world import CONDUCTS, LAPSE, NAMES, RATIONALITY, World


def model_card(world: World, recipe: Recipe, of: Architecture, found: HeldOut, origin: str = "") -> str:
    """Write an organism's card, in Markdown.

    Args:
        world: What it lives in.
        recipe: How it was trained.
        of: Its sizes.
        found: What it believes of held-out transcripts.
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
| transcripts | {grown} |
| optimiser | Muon for matrices of layers, AdamW for the rest, {rates} |
| seed | {recipe.seed} |

| measured on {found.beliefs:,} beliefs about held-out transcripts, token channel | value |
|---|---|
| mean KL(exact ‖ verbal) | {found.kl:.4f} nats |
| mean total variation | {found.tv:.4f} |

*Exact* is the belief of the Bayesian of its own world.
"""
