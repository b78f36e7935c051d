"""Cost estimate of an experiment: run it with the phrasebook and count its calls.

The number of calls is exact if every answer can be read; at most, each request is repeated `ASKED_AGAIN` times. Tokens
are a range, since one token covers 2.5 to 5 bytes of such prompts, and an answer may end early.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from scai_irl.backends.phrasebook.backend import Phrasebook
from scai_irl.lm.ask import ASKED_AGAIN
from scai_irl.lm.protocol import Backend, Completion, Feature, OnDone, Request

_BYTES_PER_TOKEN = (2.5, 5.0)
_SHORTEST_ANSWER = 4  # tokens

Range = tuple[float, float]


class Counting(Backend):
    """Backend that answers like the phrasebook and counts the tokens that a model would read and could write."""

    name = "counting"
    worth_keeping = False
    features: frozenset[Feature] = Phrasebook.features

    def __init__(self) -> None:
        self._inner = Phrasebook()
        self.calls = 0
        self.bytes_read = 0
        self.most_written = 0

    def complete(self, requests: Sequence[Request], on_done: OnDone | None = None) -> list[Completion]:
        """Answer every request and count it."""
        for request in requests:
            prompt = sum(len(message.content.encode("utf-8", "surrogatepass")) for message in request.messages)
            self.calls += 1
            self.bytes_read += prompt * max(1, len(request.labels))
            self.most_written += 0 if request.labels else request.sampling.max_tokens
        return self._inner.complete(requests, on_done)


@dataclass(frozen=True)
class Estimate:
    """Cost of an experiment; every value is a range.

    Attributes:
        calls: Calls.
        prompt_tokens: Tokens read.
        completion_tokens: Tokens written.
        seconds: Time at the given speeds.
        price: Price at the given prices.
    """

    calls: Range
    prompt_tokens: Range
    completion_tokens: Range
    seconds: Range
    price: Range

    def lines(self) -> list[str]:
        """Return the estimate as lines of text."""
        lines_of_cost = [
            f"calls: {_range_text(self.calls)}",
            f"tokens read: {_range_text(self.prompt_tokens)}",
            f"tokens written: {_range_text(self.completion_tokens)}",
            f"time: {_time(self.seconds[0])} to {_time(self.seconds[1])}",
        ]
        return lines_of_cost + ([f"price: {self.price[0]:,.2f} to {self.price[1]:,.2f}"] if self.price[1] > 0 else [])


def estimate(work: Callable[[Backend], object], speed: Range, prices: Range, times: float = 1.0) -> Estimate:
    """Estimate the cost of some work.

    Args:
        work: Does the work with a backend.
        speed: Tokens that the servers process in a second, slowest and fastest.
        prices: Price of a million tokens read, and of a million tokens written.
        times: Number of repetitions to estimate; the work itself runs once.

    Example:
        >>> from scai_irl.language.requests import offer_request
        >>> policy = "Keep as much as you can for yourself. Hold to this with firmness 200.0, and slip with chance 0.0."
        >>> work = lambda backend: backend.complete([offer_request(policy, "dollars", 10, seed=1)])
        >>> estimate(work, (100.0, 1000.0), (0.0, 0.0)).calls
        (1.0, 3.0)
    """
    counting = Counting()
    work(counting)
    again = 1 + ASKED_AGAIN
    most, least = _BYTES_PER_TOKEN
    calls = times * counting.calls
    read = (times * counting.bytes_read / least, again * times * counting.bytes_read / most)
    written = (_SHORTEST_ANSWER * calls, again * times * counting.most_written)
    tokens = (read[0] + written[0], read[1] + written[1])
    return Estimate(
        calls=(calls, again * calls),
        prompt_tokens=read,
        completion_tokens=written,
        seconds=(tokens[0] / speed[1], tokens[1] / speed[0]),
        price=(_price(read[0], written[0], prices), _price(read[1], written[1], prices)),
    )


def _price(read: float, written: float, prices: Range) -> float:
    return (read * prices[0] + written * prices[1]) / 1e6


def _range_text(ends: Range) -> str:
    return f"{ends[0]:,.0f} (each request sent once) to {ends[1]:,.0f} (each sent three times)"


def _time(seconds: float) -> str:
    """Format a time with a suitable unit.

    Example:
        >>> _time(42), _time(7200)
        ('42 s', '2.0 h')
    """
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} s"
