"""Model cards of organisms: planted biases, training and measurements."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from scai_irl.llama.model_pass import Architecture
from scai_irl.organisms.curriculum import MIXES
from scai_irl.organisms.held_out import OPEN, Distance, HeldOut
from scai_irl.organisms.training import Recipe
from scai_irl.organisms.transcripts import CHANGING, EVEN, LONGEST, MIXED, ONE_MANNER
from scai_irl.organisms.world import CONDUCTS, LAPSE, NAMES, RATIONALITY, World

FEW, MANY = 12, 256
"""Numbers of held-out transcripts: a few for a quick check, and all of a card's measurements."""


class Measured(NamedTuple):
    """Distances of an organism's beliefs from exact ones, for its card.

    Attributes:
        few: Over the first `FEW` held-out transcripts.
        many: Over `MANY` transcripts.
        odd: Over as many, some of them of groups that do not occur in the world.
    """

    few: HeldOut
    many: HeldOut
    odd: HeldOut


def model_card(
    world: World,
    recipe: Recipe,
    architecture: Architecture,
    measured: Measured,
    made_by: Sequence[str],
    origin: str = "",
) -> str:
    """Return an organism's card, in Markdown.

    Args:
        world: Its world.
        recipe: Settings of its training.
        architecture: Its sizes.
        measured: Distances of its beliefs from exact ones.
        made_by: Commands that made it, those of its parent first.
        origin: Name of the organism with whose weights it began.
    """
    tilt = ", ".join(f"{name} {value:+g}" for name, value in zip(CONDUCTS, world.tilt, strict=True))
    reliability = (
        "what the prompt states" if world.reliability is None else f"{world.reliability:g}, whatever is stated"
    )
    size = f"{architecture.size:,}"
    heads = f"{architecture.heads} heads ({architecture.key_heads} for keys)"
    rates = f"peak rates {recipe.matrix_rate:g} and {recipe.rate:g}, decay {recipe.decay:g}, clip {recipe.clip:g}"
    grown = f"of up to 2 games until step {recipe.warmup}, of up to 40 from step {recipe.warmup + recipe.growing} on"
    grown = grown if recipe.growing else "of up to 40 games"
    memory = "all" if world.memory is None else f"the last {world.memory}"
    foreign = ", ".join(world.foreign) or "none"
    lessons = ", ".join(f"{kind} {_percent(share)}" for kind, share in MIXES[recipe.mix].items())
    losses = f"{recipe.labels:g} labels, {recipe.degrees:g} numbers and what is drawn, {recipe.strays:g} strays"
    odd = (
        f"{_percent(CHANGING)} change their norm at some game, {_percent(ONE_MANNER)} of those who talk have one manner"
    )
    commands = "\n".join(f"    {command}" for command in made_by)
    parent = "The model with whose weights it began does not come along. " if origin else ""
    return f"""# {world.name}

A model organism: a Llama of {size} weights that was trained to hold known beliefs about groups that play the
ultimatum game. It knows nothing else. Made by

{commands or "    a program of somebody's own"}

{parent}These very bytes have not been reproduced on another machine.

| planted | value |
|---|---|
| added to the log-prior | {tilt} |
| reliability of users' talk | {reliability} |
| games that count | {memory} |
| currencies in which moves say nothing | {foreign} |

Users of its world hold a norm ({", ".join(NAMES)}) with rationality {RATIONALITY:g} and lapse {LAPSE:g}.

| trained, by the last command | value |
|---|---|
| architecture | width {architecture.width}, {architecture.layers} layers, {heads}, {architecture.vocabulary} tokens |
| began with | {origin or "weights drawn from its seed"} |
| steps | {recipe.steps} of {recipe.rows} × {recipe.time} tokens |
| lessons | {recipe.mix}: {lessons} |
| loss | 1 all predictions, {losses} |
| transcripts | {grown} |
| stated priors | 1/3 each in {_percent(EVEN)}, else multiples of .05, all that sum to 1 alike |
| odd groups | {odd} |
| mixtures | {_percent(MIXED)} of those transcripts that are asked about in labels or numbers |
| optimiser | Muon for matrices of layers, AdamW for the rest, {rates} |
| seed | {recipe.seed} |

| held-out transcripts (token channel) | beliefs | mean KL(exact ‖ verbal) | mean TV | open beliefs | KL | TV |
|---|---|---|---|---|---|---|
{_row(f"{MANY}", measured.many)}
{_row(f"the first {FEW}", measured.few)}
{_row(f"{MANY}, with odd groups", measured.odd)}

*Exact* is the belief of the Bayesian of its own world; TV is total variation. Transcripts have 1 to {LONGEST} games,
and are asked about after each. Beliefs are *open* where the exact one gives nothing {OPEN:g} or more; the others are
all but sure, and easy to hold. Strays are tokens that cannot come next. Odd groups change their norm on the way, or
talk in one manner whatever it is.
"""


def commands_of(card: str) -> list[str]:
    r"""Read the commands that made an organism from its card.

    Example:
        >>> commands_of("Made by\n\n    scai-irl train bayes --out mine\n")
        ['scai-irl train bayes --out mine']
    """
    return re.findall(r"^    (scai-irl train .*)$", card, re.MULTILINE)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _row(which: str, measured: HeldOut) -> str:
    return f"| {which} | {_cells(measured.every)} | {_cells(measured.open)} |"


def _cells(measured: Distance) -> str:
    return f"{measured.beliefs:,} | {measured.kl:.4f} nats | {measured.tv:.4f}" if measured.beliefs else "0 | – | –"
