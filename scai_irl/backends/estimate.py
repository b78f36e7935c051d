"""What an experiment would cost, before it costs anything: it is played with the phrasebook, and its calls are counted.

The number of calls is exact if every answer can be read; at most, each is asked for `ASKED_AGAIN` times more. Tokens
are a range, since a tokeniser makes one token of two and a half to five bytes of such prompts, and an answer may end
early.
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
    """Answers as the phrasebook does, and counts what a model would have read and might have written."""

    name = "counting"
    worth_keeping = False
    features: frozenset[Feature] = Phrasebook.features

    def __init__(self) -> None:
        self._inner = Phrasebook()
        self.calls = 0
        self.bytes_read = 0
        self.most_written = 0

    def complete(self, requests: Sequence[Request], on_done: OnDone | None = None) -> list[Completion]:
        """Answer, and count."""
        for request in requests:
            prompt = sum(len(message.content.encode("utf-8", "surrogatepass")) for message in request.messages)
            self.calls += 1
            self.bytes_read += prompt * max(1, len(request.labels))
            self.most_written += 0 if request.labels else request.sampling.max_tokens
        return self._inner.complete(requests, on_done)


@dataclass(frozen=True)
class Estimate:
    """What an experiment would cost, from … to.

    Attributes:
        calls: Calls.
        prompt_tokens: Tokens read.
        completion_tokens: Tokens written.
        seconds: Time, at the speeds that were given.
        price: Price, at the prices that were given.
    """

    calls: Range
    prompt_tokens: Range
    completion_tokens: Range
    seconds: Range
    price: Range

    def lines(self) -> list[str]:
        """Say it, a line for each."""
        told = [
            f"calls: {_told(self.calls)}",
            f"tokens read: {_told(self.prompt_tokens)}",
            f"tokens written: {_told(self.completion_tokens)}",
            f"time: {_time(self.seconds[0])} to {_time(self.seconds[1])}",
        ]
        return told + ([f"price: {self.price[0]:,.2f} to {self.price[1]:,.2f}"] if self.price[1] > 0 else [])


def estimate(work: Callable[[Backend], object], speed: Range, prices: Range, times: float = 1.0) -> Estimate:
    """Estimate what some work would cost.

    Args:
        work: Does it with a backend.
        speed: Tokens that the servers read and write in a second, slowest and fastest.
        prices: Price of a million tokens read, and written.
        times: How often it would be done; it is done once.

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


def _told(ends: Range) -> str:
    return f"{ends[0]:,.0f} (each answer read at once) to {ends[1]:,.0f} (each asked for three times)"


def _time(seconds: float) -> str:
    """A time as a person would say it.

    Example:
        >>> _time(42), _time(7200)
        ('42 s', '2.0 h')
    """
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} s"
