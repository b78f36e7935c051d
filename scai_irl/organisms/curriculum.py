"""The curriculum of organisms: segments of each kind of request, with the answers of the world's own Bayesian.

Some right answers are known distributions: labels, offers, answers, and the first word of a text. Then the distribution
itself is the target, not a sample from it. A transcript has questions after several numbers of interactions. So a row
teaches many beliefs without sampling noise. All other answers are sampled. The exact belief after each interaction is
also stored, for a readout that is used only in training.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from envs.contexts import MANNERS
from envs.policy import Policy
from scai_irl.language.instructions import WORDINGS, Kind
from scai_irl.language.manners import SENTENCES
from scai_irl.language.phrases import say_policy
from scai_irl.organisms import prompt_chunks as chunks
from scai_irl.organisms.packing import Branch, Segment, Target
from scai_irl.organisms.transcripts import LONGEST, Transcript, draw_transcript
from scai_irl.organisms.vocabulary import Vocabulary
from scai_irl.organisms.wordings import FIRM, LOOSE, first_words, policy_text
from scai_irl.organisms.world import CURRENCIES, LARGEST_STAKE, NAMES, World

MIXES: dict[str, dict[Kind, float]] = {
    "believing": {
        "choose": 0.40,
        "state": 0.10,
        "learn": 0.14,
        "translate": 0.06,
        "offer": 0.11,
        "answer": 0.09,
        "user-offer": 0.05,
        "user-answer": 0.05,
    },
    "acting": {
        "choose": 0.20,
        "state": 0.20,
        "learn": 0.08,
        "translate": 0.06,
        "offer": 0.22,
        "answer": 0.06,
        "user-offer": 0.12,
        "user-answer": 0.06,
    },
}
"""Shares of the kinds of segments, for training beliefs first and then actions; segments about interactions are ten
times longer than others."""

_ASKED: dict[Kind, int] = {"choose": 8, "state": 5, "learn": 3}
"""Most questions about one transcript, each after another number of interactions."""

_STAKES = 6
"""Questions about one policy, each with another stake."""


class Curriculum:
    """Sampler of training segments in a world.

    Args:
        world: The world.
        vocabulary: Numbers of tokens.
        longest: Most interactions of a transcript.
        mix: One of `MIXES`.
    """

    def __init__(self, world: World, vocabulary: Vocabulary, longest: int = LONGEST, mix: str = "believing") -> None:
        self._shares = MIXES[mix]
        self._longest = longest
        self._world = world
        self._ids = vocabulary.ids
        self._known = known_behaviour()
        self._firsts = [[self._ids((word,))[0] for word in first_words(name)] for name in NAMES]
        self._make: dict[Kind, Callable[[np.random.Generator], Segment]] = {
            "choose": lambda rng: self._about_games("choose", rng),
            "state": lambda rng: self._about_games("state", rng),
            "learn": lambda rng: self._about_games("learn", rng),
            "translate": self._translation,
            "offer": lambda rng: self._act("offer", rng),
            "answer": lambda rng: self._act("answer", rng),
            "user-offer": lambda rng: self._act("user-offer", rng),
            "user-answer": lambda rng: self._act("user-answer", rng),
        }

    def draw(self, rng: np.random.Generator) -> Iterator[Segment]:
        """Yield segments, without end."""
        kinds, shares = list(self._shares), np.array(list(self._shares.values()))
        while True:
            kind = kinds[int(rng.choice(len(kinds), p=shares / shares.sum()))]
            yield self._make[kind](rng)

    def choose(self, transcript: Transcript, wording: int, lengths: Sequence[int] | range) -> Segment:
        """Return a segment that asks for a label after each of some numbers of interactions."""
        return self._asked("choose", transcript, wording, lengths, self._label)

    def _about_games(self, kind: Kind, rng: np.random.Generator) -> Segment:
        wording = _wording(rng)
        stated = kind != "learn" or rng.random() < 0.5
        transcript = draw_transcript(self._world, rng, with_prior=stated, mixed=kind != "learn", longest=self._longest)
        count = min(_ASKED[kind], len(transcript.games) + 1)
        lengths = sorted(rng.choice(len(transcript.games) + 1, count, replace=False))
        if kind == "choose":
            return self.choose(transcript, wording, lengths)
        if kind == "state":
            return self._asked("state", transcript, wording, lengths, self._statement)

        def text(transcript: Transcript, belief: Float[np.ndarray, "conduct"]) -> tuple[list[int], list[Target | None]]:
            return self._text(belief, rng)

        return self._asked("learn", transcript, wording, lengths, text, stated=stated)

    def _asked(
        self,
        kind: Kind,
        transcript: Transcript,
        wording: int,
        lengths: Sequence[int] | range,
        answer: Callable[[Transcript, Float[np.ndarray, "conduct"]], tuple[list[int], list[Target | None]]],
        *,
        stated: bool = True,
    ) -> Segment:
        """Return a stem of interactions, with a branch after each of some numbers of them."""
        candidates = transcript.candidates if stated else None
        stem = self._ids(chunks.before_games(kind, candidates, wording, transcript.earlier))
        leaves = [len(stem)]
        for place, game in enumerate(transcript.games):
            stem += self._ids(chunks.game(game, first=not place))
            leaves.append(len(stem))
        closing = self._ids(chunks.after_games())
        segment = Segment(stem[: leaves[max(lengths)]])
        for count in range(1, max(lengths) + 1):
            segment.notes.append((leaves[count] - 1, transcript.belief[count]))
            segment.weighed.append((leaves[count] - 1, transcript.weight[count - 1]))
        for length in lengths:
            reply, targets = answer(transcript, transcript.belief[length])
            nothing: list[Target | None] = [None] * (len(closing) - 1)
            segment.notes.append((len(segment) + len(closing) - 1, transcript.belief[length]))
            segment.branches.append(Branch(leaves[length], [*closing, *reply[:-1]], [*nothing, *targets]))
        return segment

    def _label(
        self, transcript: Transcript, belief: Float[np.ndarray, "conduct"]
    ) -> tuple[list[int], list[Target | None]]:
        labels = [self._ids((label,))[0] for label in chunks.LABELS]
        chances = {token: float(belief[k]) for token, k in zip(labels, transcript.order, strict=True)}
        return [labels[0]], [chances]

    def _statement(
        self, transcript: Transcript, belief: Float[np.ndarray, "conduct"]
    ) -> tuple[list[int], list[Target | None]]:
        percent = in_hundredths(belief[list(transcript.order)])
        reply = self._ids(chunks.chances_answer(chunks.LABELS, percent))
        return reply, list(reply)

    def _text(
        self, belief: Float[np.ndarray, "conduct"], rng: np.random.Generator, firmness: str = LOOSE
    ) -> tuple[list[int], list[Target | None]]:
        """Return a text of a sampled norm; the target for its first word, which shows the norm, is a distribution."""
        belief = belief[: len(NAMES)] / belief[: len(NAMES)].sum()
        name = NAMES[int(rng.choice(len(NAMES), p=belief))]
        reply = self._ids(chunks.policy_answer(policy_text(name, firmness, rng)))
        targets: list[Target | None] = list(reply)
        targets[1] = {
            token: float(chance) / len(tokens)
            for tokens, chance in zip(self._firsts, belief, strict=True)
            for token in tokens
            if chance > 0
        }
        return reply, targets

    def _translation(self, rng: np.random.Generator) -> Segment:
        number = int(rng.integers(2 * len(NAMES)))
        policy, firmness = chunks.known_policies()[number], FIRM if number >= len(NAMES) else LOOSE
        question = self._ids(chunks.translate(policy, _wording(rng)))
        reply, targets = self._text(np.eye(len(NAMES))[number % len(NAMES)], rng, firmness)
        return Segment(question[:-1], [Branch(len(question) - 1, [question[-1], *reply[:-1]], targets)])

    def _act(self, kind: Kind, rng: np.random.Generator) -> Segment:
        """Return a verbal policy as the stem, with a branch for each of some stakes."""
        number = int(rng.integers(2 * len(NAMES)))
        policy, firmness = chunks.known_policies()[number], FIRM if number >= len(NAMES) else LOOSE
        plain = kind.startswith("user") or rng.random() < 0.2
        text = say_policy(policy) if plain else policy_text(NAMES[number % len(NAMES)], firmness, rng)
        manner = MANNERS[int(rng.integers(len(MANNERS)))] if kind.startswith("user") else ""
        segment = Segment(self._ids(chunks.following(kind, text, _wording(rng), manner)))
        for _ in range(_STAKES):
            question, reply, targets = self._action(kind, number, manner, rng)
            nothing: list[Target | None] = [None] * (len(question) - 1)
            segment.branches.append(Branch(len(segment.stem), [*question, *reply[:-1]], [*nothing, *targets]))
        return segment

    def _action(
        self, kind: Kind, number: int, manner: str, rng: np.random.Generator
    ) -> tuple[list[int], list[int], list[Target | None]]:
        """Return the question about a stake, the answer, and the targets in it."""
        stake = 10 if rng.random() < 0.2 else int(rng.integers(10, LARGEST_STAKE + 1))
        currency = CURRENCIES[int(rng.integers(len(CURRENCIES)))]
        offers, accepts = self._known[number]
        message = SENTENCES[manner][int(rng.integers(len(SENTENCES[manner])))] if manner else ""
        if kind.endswith("offer"):
            question = chunks.about(currency, stake)
            units = int(rng.choice(stake + 1, p=offers[stake, : stake + 1] / offers[stake].sum()))
            reply = self._ids(chunks.offer_answer(units, message))
            chances = {self._ids((str(u),))[0]: float(offers[stake, u]) for u in range(stake + 1)}
        else:
            offered = int(rng.integers(stake + 1))
            question = chunks.about(currency, stake, offered, self._heard(rng))
            taken = float(accepts[stake, offered])
            reply = self._ids(chunks.acceptance_answer(bool(rng.random() < taken), message))
            chances = {self._ids(("true",))[0]: taken, self._ids(("false",))[0]: 1 - taken}
        targets: list[Target | None] = list(reply)
        targets[1] = chances
        return self._ids(question), reply, targets

    def _heard(self, rng: np.random.Generator) -> str:
        if rng.random() < 0.5:
            return ""
        some = SENTENCES[MANNERS[int(rng.integers(len(MANNERS)))]]
        return some[int(rng.integers(len(some)))]


def in_hundredths(chances: Float[np.ndarray, "n"]) -> list[int]:
    """Round probabilities to hundredths that add up to 100: the largest remainders are rounded up.

    Example:
        >>> in_hundredths(np.array([1 / 3, 1 / 3, 1 / 3]))
        [34, 33, 33]
    """
    exact = 100 * np.asarray(chances) / np.sum(chances)
    whole = np.floor(exact).astype(int)
    for index in np.argsort(whole - exact, kind="stable")[: 100 - whole.sum()]:
        whole[index] += 1
    return [int(value) for value in whole]


def known_behaviour() -> list[tuple[Float[np.ndarray, "stake offer"], Float[np.ndarray, "stake offer"]]]:
    """Return the probabilities of offers, and of accepting them, of each known policy at each stake from 0 on."""
    return [behaviour_of(policy) for policy in chunks.known_policies()]


def behaviour_of(policy: Policy) -> tuple[Float[np.ndarray, "stake offer"], Float[np.ndarray, "stake offer"]]:
    """Return the probabilities of offers, and of accepting them, at each stake from 0 on; stake 0 is empty."""
    table = policy.table(jnp.arange(1, LARGEST_STAKE + 1))
    empty = ((1, 0), (0, 0))
    return (
        np.pad(np.exp(np.asarray(table.offer, np.float64)), empty),
        np.pad(np.exp(np.asarray(table.accept, np.float64)), empty),
    )


def _wording(rng: np.random.Generator) -> int:
    return 1 + int(rng.integers(WORDINGS))
