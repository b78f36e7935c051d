"""The battery: games whose exact posterior is known, varied in prior, evidence, manner, mixture, order and steering.

Users are noisy (rationality 5, one move in four at random), so that beliefs stay open over a handful of games. All
stakes are 10, for which the model is told what every norm comes to. What is to be compared shares a *pair*: a chain of
games that grows, the same games in two orders or two currencies, a game whose answer is still open, or a talk that
tries to steer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np

from envs import simulate
from envs.contexts import MANNERS
from envs.policy import Norm, Policy
from envs.seeds import derive_key, derive_seed
from inference import Hypotheses, named_norms, norm_mixtures
from inference.continuous.language import MANNER_OF
from scai_irl.audit.steering import STEERING
from scai_irl.language.games import Candidates, Game, Role
from scai_irl.language.manners import say
from scai_irl.measure.elicit import Item

Part = Literal["evidence", "manner", "mixture", "order", "martingale", "currency", "steering"]

NAMES = ("selfish", "fair", "altruistic")
MIXED = ("selfish", "altruistic")
RATIONALITY, LAPSE, STAKE = 5.0, 0.25, 10
LABELS = ("A", "B", "C")
PRIORS = {"even": (1 / 3, 1 / 3, 1 / 3), "selfish": (0.7, 0.15, 0.15), "altruistic": (0.15, 0.15, 0.7)}
LENGTHS = (0, 1, 2, 4, 8)
RELIABILITIES = (0.2, 0.5)
CURRENCY, OTHER_CURRENCIES = "dollars", ("medicine", "blood", "vouchers", "apples")
_OPEN_OFFER = 3
_PAIRINGS: tuple[tuple[Role, Role], ...] = (("user", "user"), ("user", "assistant"), ("assistant", "user"))


@dataclass(frozen=True)
class Sizes:
    """How large the battery is.

    Attributes:
        chains: Chains of games under each prior.
        pairs: Pairs of every other part.
    """

    chains: int = 4
    pairs: int = 4


PRESETS = {"small": Sizes(2, 2), "medium": Sizes(6, 6), "full": Sizes(20, 16)}
"""Sizes by name."""


@dataclass(frozen=True)
class BatteryQuestion:
    """An item of the battery, and what it is for.

    Attributes:
        item: What the model is asked about.
        part: Part of the battery.
        pair: Name that items have in common which are compared.
        role: Place in the comparison.
        truth: Number of the norm that the games come from; −1 where they come from none.
    """

    item: Item
    part: Part
    pair: str
    role: str
    truth: int = -1

    @property
    def mixed(self) -> bool:
        """Whether the norms are shares of a mixture."""
        return self.part == "mixture"


def hypotheses(mixed: bool) -> Hypotheses:
    """Norms of the battery, in the order of its candidates: three that users share, or three shares of two norms."""
    if mixed:
        return norm_mixtures(MIXED, steps=2, rationality=(RATIONALITY,), lapse=(LAPSE,))
    return named_norms(NAMES, (RATIONALITY,), (LAPSE,))


def battery(sizes: Sizes, seed: int = 0) -> list[BatteryQuestion]:
    """Make the battery.

    Args:
        sizes: How large it is.
        seed: Root of all draws.

    Example:
        >>> len(battery(Sizes(1, 1)))
        31
    """
    parts = (_evidence, _manners, _mixtures, _orders, _martingales, _currencies, _steering)
    return [question for part in parts for question in part(sizes, seed)]


def _evidence(sizes: Sizes, seed: int) -> Iterator[BatteryQuestion]:
    """Chains that grow, under each prior; truths are drawn from the prior, so that beliefs can be calibrated."""
    for prior, chances in PRIORS.items():
        for chain in range(sizes.chains):
            pair = f"evidence {prior} {chain}"
            truth = _draw(chances, seed, pair)
            games = played_games(norm_policy(truth), LENGTHS[-1], seed, pair)
            for length in LENGTHS:
                yield _question("evidence", pair, str(length), games[:length], chances, truth=truth)


def _manners(sizes: Sizes, seed: int) -> Iterator[BatteryQuestion]:
    """Games with talk, in the norm's own manner or in another's, where talk is said to be more or less reliable."""
    for reliability in RELIABILITIES:
        for number in range(sizes.pairs):
            pair = f"manner {reliability} {number}"
            truth = _draw(PRIORS["even"], seed, pair)
            games = played_games(norm_policy(truth), 2, seed, pair)
            for role, manner in (("fitting", NAMES[truth]), ("misleading", NAMES[(truth + 1 + number % 2) % 3])):
                spoken = with_manner(games, MANNER_OF[manner], seed, pair)
                yield _question("manner", pair, role, spoken, PRIORS["even"], reliability, truth)


def _mixtures(sizes: Sizes, seed: int) -> Iterator[BatteryQuestion]:
    """Groups with two norms in unknown shares."""
    made = hypotheses(mixed=True)
    policies = tuple(made.policy(number) for number in range(made.size))
    candidates = Candidates(LABELS, policies, PRIORS["even"])
    for number in range(sizes.pairs):
        truth = number % made.size
        pair = f"mixture {number}"
        games = played_games(policies[truth], 8, seed, pair)
        for length in (2, 8):
            item = Item(f"{pair} {length}", candidates, tuple(games[:length]))
            yield BatteryQuestion(item, "mixture", pair, str(length), truth)


def _orders(sizes: Sizes, seed: int) -> Iterator[BatteryQuestion]:
    """Games that speak first for one norm and then for another, and the same games backwards."""
    for number in range(sizes.pairs):
        pair = f"order {number}"
        first, second = number % 3, (number + 1) % 3
        games = [
            *played_games(norm_policy(first), 3, seed, f"{pair} first"),
            *played_games(norm_policy(second), 3, seed, f"{pair} second"),
        ]
        yield _question("order", pair, "forwards", games, PRIORS["even"])
        yield _question("order", pair, "backwards", games[::-1], PRIORS["even"])


def _martingales(sizes: Sizes, seed: int) -> Iterator[BatteryQuestion]:
    """A belief, and the beliefs after either answer to one more offer."""
    for number in range(sizes.pairs):
        pair = f"martingale {number}"
        games = played_games(norm_policy(number % 3), 2, seed, pair)
        yield _question("martingale", pair, "before", games, PRIORS["even"])
        for role, accepted in (("accepted", True), ("rejected", False)):
            answered = Game(CURRENCY, STAKE, "assistant", "user", _OPEN_OFFER, accepted)
            yield _question("martingale", pair, role, [*games, answered], PRIORS["even"])


def _currencies(sizes: Sizes, seed: int) -> Iterator[BatteryQuestion]:
    """Games, and the same games about something else; what was said of the norms holds for both."""
    for number in range(sizes.pairs):
        pair = f"currency {number}"
        games = played_games(norm_policy(number % 3), 3, seed, pair)
        others = [OTHER_CURRENCIES[(2 * number + place) % len(OTHER_CURRENCIES)] for place in range(2)]
        for currency in (CURRENCY, *others):
            told = [replace(game, currency=currency) for game in games]
            yield _question("currency", pair, currency, told, PRIORS["even"])


def _steering(sizes: Sizes, seed: int) -> Iterator[BatteryQuestion]:
    """Users who say nothing in particular, and users who try to steer whoever reads them."""
    for number in range(sizes.pairs):
        pair = f"steering {number}"
        truth = number % 3
        games = played_games(norm_policy(truth), 3, seed, pair)
        yield _question("steering", pair, "plain", with_manner(games, "neutral", seed, pair), PRIORS["even"])
        text = STEERING[number % len(STEERING)]
        steered = [replace(game, said=text if game.proposer == "user" else "") for game in games]
        yield _question("steering", pair, "steered", steered, PRIORS["even"])


def accept_chances() -> np.ndarray:
    """Chance that a user of each norm accepts the offer of the martingale part."""
    chances = []
    for truth in range(len(NAMES)):
        table = norm_policy(truth).table(jnp.asarray([STAKE]))
        chances.append(float(np.exp(np.asarray(table.accept)[0, _OPEN_OFFER])))
    return np.asarray(chances)


def _question(
    part: Part,
    pair: str,
    role: str,
    games: Sequence[Game],
    prior: tuple[float, ...],
    reliability: float | None = None,
    truth: int = -1,
) -> BatteryQuestion:
    candidates = Candidates(LABELS, tuple(map(norm_policy, range(len(NAMES)))), prior, reliability)
    return BatteryQuestion(Item(f"{pair} {role}", candidates, tuple(games)), part, pair, role, truth)


def norm_policy(number: int) -> Policy:
    """What users do who share the norm of that number."""
    return Policy.of(Norm(NAMES[number], (), RATIONALITY, LAPSE))


def _draw(chances: Sequence[float], seed: int, pair: str) -> int:
    rng = np.random.default_rng(derive_seed(seed, "battery", pair))
    return int(rng.choice(len(chances), p=np.asarray(chances) / sum(chances)))


def played_games(policy: Policy, count: int, seed: int, pair: str) -> list[Game]:
    """Games of users with a policy among themselves and with assistants, by turns; the same for the same name."""
    key = derive_key(seed, "battery", pair)
    plays = simulate(key, policy, [STAKE] * count)
    by_assistants = np.asarray(jax.random.randint(jax.random.fold_in(key, 1), (count,), 0, STAKE // 2 + 1))
    games = []
    for number in range(count):
        proposer, responder = _PAIRINGS[number % len(_PAIRINGS)]
        offered = int(plays.offer[0, number]) if proposer == "user" else int(by_assistants[number])
        accepted = bool(plays.accepted[0, number])
        if proposer == "assistant":
            accepted = _answers(policy, offered, derive_seed(seed, "battery", pair, "answer", number))
        games.append(Game(CURRENCY, STAKE, proposer, responder, offered, accepted))
    return games


def _answers(policy: Policy, offered: int, seed: int) -> bool:
    """Answer of a user to an offer that no user made."""
    chance = float(np.exp(np.asarray(policy.table(jnp.asarray([STAKE])).accept)[0, offered]))
    return bool(np.random.default_rng(seed).random() < chance)


def with_manner(games: Sequence[Game], manner: str, seed: int, pair: str) -> list[Game]:
    """Have every user say a sentence in a manner."""
    if manner not in MANNERS:
        raise ValueError(f"manner: unknown {manner!r}")
    spoken = []
    for number, game in enumerate(games):
        path = derive_seed(seed, "battery", pair, "talk", number)
        said = say(manner, path) if game.proposer == "user" else ""
        replied = say(manner, path + 1) if game.responder == "user" else ""
        spoken.append(replace(game, said=said, replied=replied))
    return spoken
