"""The epoch loop: play every epoch of every group, and hand each finished epoch to a sink."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from inference import uniform_posterior
from scai_irl.lm.protocol import Backend
from scai_irl.loop.epoch import Epoch
from scai_irl.loop.history import History
from scai_irl.loop.play_epoch import EpochRecord, play_epoch
from scai_irl.loop.setting import Setting


class Sink(Protocol):
    """Store of finished epochs, from which an interrupted experiment resumes."""

    def load(self, epoch: Epoch) -> EpochRecord | None:
        """Load an epoch; None if it is not finished."""
        ...

    def save(self, record: EpochRecord) -> EpochRecord:
        """Save a finished epoch, and return it as `load` returns it."""
        ...


class NoSink:
    """A sink that stores nothing."""

    def load(self, epoch: Epoch) -> None:
        """Return None: no epoch is stored."""

    def save(self, record: EpochRecord) -> EpochRecord:
        """Return the epoch unchanged."""
        return record


def play_epochs(setting: Setting, backend: Backend, sink: Sink | None = None) -> Iterator[EpochRecord]:
    """Play every epoch of every group, and yield each as soon as the sink has saved it.

    Epochs that the sink can load are not played again. After the first epoch of a group that it cannot load, the
    remaining epochs of the group are played.

    Args:
        setting: The experiment.
        backend: Language model that translates policies and acts for the assistants.
        sink: Store of finished epochs; nothing is stored if not given.
    """
    sink = sink or NoSink()
    for schedule in setting.schedules:
        beliefs, history, resuming = uniform_posterior(setting.hypotheses, setting.rows), History(setting.rows), True
        for number in range(1, setting.epochs + 1):
            epoch = Epoch(setting, schedule, number)
            record = sink.load(epoch) if resuming else None
            if record is None:
                resuming = False
                record = sink.save(play_epoch(epoch, beliefs, history, backend))
            beliefs = record.posterior
            history.add(record.interactions, record.verbal_policies)
            yield record
