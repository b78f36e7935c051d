"""Tallies of calls: the total is the sum over accounts, whichever questions share a batch."""

from __future__ import annotations

import functools

from scai_irl.language.requests import offer_request, read_offer
from scai_irl.lm.ask import ASKED_AGAIN, Question, ask
from scai_irl.lm.tally import Ledger, Tally
from tests.scai_irl.backends.backends_for_tests import Scripted


def question(seed: int, account: str | None) -> Question:
    return Question(offer_request("Be fair.", "dollars", 10, seed), functools.partial(read_offer, stake=10), account)


def test_every_call_is_charged_to_the_account_of_its_question() -> None:
    backend = Scripted(lambda request, _: '{"offer": 4}' if request.seed < 3 else "no")
    ledger = Ledger(["one", "other", "idle"])
    ask(backend, [question(1, "one"), question(2, "other"), question(3, "other")], ledger)
    failed = 1 + ASKED_AGAIN
    assert (ledger["one"].calls, ledger["other"].calls) == (1, 1 + failed)
    assert (ledger["one"].missing, ledger["other"].missing) == (0, 1)
    assert ledger["idle"] == Tally()
    total = Tally()
    for account in ("one", "other", "idle"):
        total.add(ledger[account])
    assert ledger.total == total


def test_a_tally_adds_up_all_accounts() -> None:
    tally, ledger = Tally(), Ledger()
    for costs in (tally, ledger):
        ask(Scripted(lambda _, __: '{"offer": 4}'), [question(1, "one"), question(2, None)], costs)
    assert tally == ledger.total
    assert tally.calls == 2
