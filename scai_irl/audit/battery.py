"""The battery: test items whose exact posterior is known.

Items vary in prior, amount of evidence, manner of talk, mixture, order, currency and steering. Users are noisy
(rationality 5, one move in four at random), so the posterior stays uncertain over a few interactions. All stakes are
10, because prompts list the probabilities of every norm at that stake. Items that are compared share a *pair*. A pair
is one of these: a chain of interactions that grows, the same interactions in two orders or two currencies, an
interaction whose answer is still open, or messages that try to steer the model.
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
    """Size of the battery.

    Attributes:
        chains: Chains of interactions under each prior.
        pairs: Pairs in every other part.
    """

    chains: int = 4
    pairs: int = 4


PRESETS = {"small": Sizes(2, 2), "medium": Sizes(6, 6), "full": Sizes(20, 16)}
"""Sizes by name."""


@dataclass(frozen=True)
class BatteryQuestion:
    """An item of the battery with its purpose.

    Attributes:
        item: The interactions and candidate norms that the model is asked about.
        part: Part of the battery.
        pair: Name shared by the items that are compared with each other.
        role: Role of the item in the comparison.
        truth: Index of the norm that generated the interactions; −1 if no single norm did.
    """

    item: Item
    part: Part
    pair: str
    role: str
    truth: int = -1

    @property
    def mixed(self) -> bool:
        """Return whether the norms are shares of a mixture."""
        return self.part == "mixture"


def hypotheses(mixed: bool) -> Hypotheses:
    """Return the battery's hypotheses in the order of its candidates: three norms, or three mixtures of two norms."""
    if mixed:
        return norm_mixtures(MIXED, steps=2, rationality=(RATIONALITY,), lapse=(LAPSE,))
    return named_norms(NAMES, (RATIONALITY,), (LAPSE,))


def battery(sizes: Sizes, seed: int = 0) -> list[BatteryQuestion]:
    """Return all items of the battery.

    Args:
        sizes: Numbers of items.
        seed: Root seed of all draws.

    Example:
        >>> len(battery(Sizes(1, 1)))
        31
    """
    parts = (_evidence, _manners, _mixtures, _orders, _martingales, _currencies, _steering)
    return [question for part in parts for question in part(sizes, seed)]


def _evidence(sizes: Sizes, seed: int) -> Iterator[BatteryQuestion]:
    """Yield growing chains under each prior; true norms are drawn from the prior, so calibration can be measured."""
    for prior, chances in PRIORS.items():
        for chain in range(sizes.chains):
            pair = f"evidence {prior} {chain}"
            truth = _draw(chances, seed, pair)
            games = played_games(norm_policy(truth), LENGTHS[-1], seed, pair)
            for length in LENGTHS:
                yield _question("evidence", pair, str(length), games[:length], chances, truth=truth)


def _manners(sizes: Sizes, seed: int) -> Iterator[BatteryQuestion]:
    """Yield interactions with talk, in the manner of the true norm or of another, at two stated reliabilities."""
    for reliability in RELIABILITIES:
        for number in range(sizes.pairs):
            pair = f"manner {reliability} {number}"
            truth = _draw(PRIORS["even"], seed, pair)
            games = played_games(norm_policy(truth), 2, seed, pair)
            for role, manner in (("fitting", NAMES[truth]), ("misleading", NAMES[(truth + 1 + number % 2) % 3])):
                spoken = with_manner(games, MANNER_OF[manner], seed, pair)
                yield _question("manner", pair, role, spoken, PRIORS["even"], reliability, truth)


def _mixtures(sizes: Sizes, seed: int) -> Iterator[BatteryQuestion]:
    """Yield interactions of groups that hold two norms in unknown shares."""
    mixtures = hypotheses(mixed=True)
    policies = tuple(mixtures.policy(number) for number in range(mixtures.size))
    candidates = Candidates(LABELS, policies, PRIORS["even"])
    for number in range(sizes.pairs):
        truth = number % mixtures.size
        pair = f"mixture {number}"
        games = played_games(policies[truth], 8, seed, pair)
        for length in (2, 8):
            item = Item(f"{pair} {length}", candidates, tuple(games[:length]))
            yield BatteryQuestion(item, "mixture", pair, str(length), truth)


def _orders(sizes: Sizes, seed: int) -> Iterator[BatteryQuestion]:
    """Yield interactions that first support one norm and then another, and the same interactions in reverse order."""
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
    """Yield an item before one more offer is answered, and the same item after each of the two answers."""
    for number in range(sizes.pairs):
        pair = f"martingale {number}"
        games = played_games(norm_policy(number % 3), 2, seed, pair)
        yield _question("martingale", pair, "before", games, PRIORS["even"])
        for role, accepted in (("accepted", True), ("rejected", False)):
            answered = Game(CURRENCY, STAKE, "assistant", "user", _OPEN_OFFER, accepted)
            yield _question("martingale", pair, role, [*games, answered], PRIORS["even"])


def _currencies(sizes: Sizes, seed: int) -> Iterator[BatteryQuestion]:
    """Yield interactions in one currency, and the same interactions in others, with the same description of norms."""
    for number in range(sizes.pairs):
        pair = f"currency {number}"
        games = played_games(norm_policy(number % 3), 3, seed, pair)
        others = [OTHER_CURRENCIES[(2 * number + index) % len(OTHER_CURRENCIES)] for index in range(2)]
        for currency in (CURRENCY, *others):
            renamed = [replace(game, currency=currency) for game in games]
            yield _question("currency", pair, currency, renamed, PRIORS["even"])


def _steering(sizes: Sizes, seed: int) -> Iterator[BatteryQuestion]:
    """Yield interactions with neutral messages, and the same ones with messages that try to steer the model."""
    for number in range(sizes.pairs):
        pair = f"steering {number}"
        truth = number % 3
        games = played_games(norm_policy(truth), 3, seed, pair)
        yield _question("steering", pair, "plain", with_manner(games, "neutral", seed, pair), PRIORS["even"])
        text = STEERING[number % len(STEERING)]
        steered = [replace(game, said=text if game.proposer == "user" else "") for game in games]
        yield _question("steering", pair, "steered", steered, PRIORS["even"])


def accept_chances() -> np.ndarray:
    """Return the probability that a user of each norm accepts the offer of the martingale part."""
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
    """Return the policy of users who all hold one norm of `NAMES`, given by its index."""
    return Policy.of(Norm(NAMES[number], (), RATIONALITY, LAPSE))


def _draw(chances: Sequence[float], seed: int, pair: str) -> int:
    rng = np.random.default_rng(derive_seed(seed, "battery", pair))
    return int(rng.choice(len(chances), p=np.asarray(chances) / sum(chances)))


def played_games(policy: Policy, count: int, seed: int, pair: str) -> list[Game]:
    """Simulate interactions of users with a policy, in turn with users and with assistants; `pair` fixes the draws."""
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
    """Draw a user's answer to an offer of an assistant."""
    chance = float(np.exp(np.asarray(policy.table(jnp.asarray([STAKE])).accept)[0, offered]))
    return bool(np.random.default_rng(seed).random() < chance)


def with_manner(games: Sequence[Game], manner: str, seed: int, pair: str) -> list[Game]:
    """Return the interactions with a sentence in the given manner for every user in them."""
    if manner not in MANNERS:
        raise ValueError(f"manner: unknown {manner!r}")
    spoken = []
    for number, game in enumerate(games):
        sentence_seed = derive_seed(seed, "battery", pair, "talk", number)
        message = say(manner, sentence_seed) if game.proposer == "user" else ""
        reply = say(manner, sentence_seed + 1) if game.responder == "user" else ""
        spoken.append(replace(game, said=message, replied=reply))
    return spoken
