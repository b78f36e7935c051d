"""The loop and its sinks: epochs that a sink can load are not repeated, and numbers do not depend on the sink."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
from pandas.testing import assert_frame_equal

from scai_irl.loop.checkpoint import EpochFolders
from scai_irl.loop.epoch import Epoch
from scai_irl.loop.play_epoch import EpochRecord
from scai_irl.loop.play_epochs import Sink, play_epochs
from tests.scai_irl.backends.backends_for_tests import Recording
from tests.scai_irl.loop.play import setting

OF = setting(("5v5", "1v9"), agents=("thompson", "llm-psrl"), runs=range(2))


class Memory:
    """A sink that stores epochs in a dictionary."""

    def __init__(self) -> None:
        self.stored: dict[tuple[str, int], EpochRecord] = {}

    def load(self, epoch: Epoch) -> EpochRecord | None:
        return self.stored.get((epoch.schedule.name, epoch.number))

    def save(self, record: EpochRecord) -> EpochRecord:
        self.stored[record.epoch.schedule.name, record.epoch.number] = record
        return record


def play_with(sink: Sink | None) -> tuple[list[EpochRecord], int]:
    """Play all epochs; return them with the number of requests."""
    backend = Recording()
    records = list(play_epochs(OF, backend, sink))
    return records, sum(map(len, backend.batches))


def assert_equal(records: list[EpochRecord], expected: list[EpochRecord]) -> None:
    for one, other in zip(records, expected, strict=True):
        assert one.epoch == other.epoch
        assert one.tally == other.tally
        for table in ("interactions", "verbal_policies", "costs"):
            assert_frame_equal(getattr(one, table), getattr(other, table), check_dtype=False)
        np.testing.assert_array_equal(one.posterior.log_prob, other.posterior.log_prob)
        np.testing.assert_array_equal(one.posterior.log_evidence, other.posterior.log_evidence)


def test_epochs_come_group_by_group_and_in_order() -> None:
    records, _ = play_with(None)
    assert [(r.epoch.schedule.name, r.epoch.number) for r in records] == [
        ("5v5", 1),
        ("5v5", 2),
        ("1v9", 1),
        ("1v9", 2),
    ]


def test_a_run_resumes_from_any_sink_with_equal_numbers(tmp_path: Path) -> None:
    expected, requests = play_with(None)
    for sink in (Memory(), EpochFolders(tmp_path)):
        for _ in itertools.islice(play_epochs(OF, Recording(), sink), 3):
            pass
        records, fewer = play_with(sink)
        assert_equal(records, expected)
        assert fewer == expected[3].tally.calls < requests
        records, none = play_with(sink)
        assert_equal(records, expected)
        assert none == 0


def test_after_an_epoch_that_is_missing_the_rest_of_its_group_is_played_again() -> None:
    sink = Memory()
    expected, _ = play_with(sink)
    del sink.stored["5v5", 1]
    records, requests = play_with(sink)
    assert_equal(records, expected)
    assert requests == expected[0].tally.calls + expected[1].tally.calls
