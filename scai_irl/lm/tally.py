"""Cost of language-model requests: calls, failures and tokens, in total and by account."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Protocol


@dataclass
class Tally:
    """Cost of requests.

    Attributes:
        calls: Requests sent, including repeated ones.
        unreadable: Answers that could not be parsed.
        missing: Requests that never got an answer that could be parsed.
        prompt_tokens: Tokens in the prompts.
        completion_tokens: Tokens in the answers.
    """

    calls: int = 0
    unreadable: int = 0
    missing: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def add(self, other: Tally) -> None:
        """Add another tally to this one."""
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)

    def charge(self, cost: Tally, account: Hashable) -> None:
        """Add the cost of a request, for any account."""
        del account
        self.add(cost)


class Costs(Protocol):
    """Anything that the cost of a request can be added to: a `Tally` or a `Ledger`."""

    def charge(self, cost: Tally, account: Hashable) -> None:
        """Add the cost of a request.

        Args:
            cost: The cost.
            account: Part of the experiment that the request belongs to.
        """
        ...


class Ledger:
    """Cost of requests by account, such as the conditions of an experiment.

    Args:
        accounts: Accounts that are listed even if nothing is charged to them.

    Example:
        >>> ledger = Ledger(["thompson", "oracle"])
        >>> ledger.charge(Tally(calls=3), "thompson")
        >>> ledger["thompson"].calls, ledger["oracle"].calls, ledger.total.calls
        (3, 0, 3)
    """

    def __init__(self, accounts: Iterable[Hashable] = ()) -> None:
        self._tallies = {account: Tally() for account in accounts}

    def __getitem__(self, account: Hashable) -> Tally:
        return self._tallies[account]

    @property
    def total(self) -> Tally:
        """Cost of all accounts together."""
        total = Tally()
        for tally in self._tallies.values():
            total.add(tally)
        return total

    def charge(self, cost: Tally, account: Hashable) -> None:
        """Add the cost of a request to its account."""
        self._tallies.setdefault(account, Tally()).add(cost)
