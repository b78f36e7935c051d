"""Watch over a cluster without recent outcomes: cells may take long, or the cluster may be gone."""

from __future__ import annotations

import sys
from typing import Any

from scai_irl.io.errors import InputError
from scai_irl.sweep.address import found_address
from scai_irl.sweep.nodes import some_node_has_room
from scai_irl.sweep.worker_settings import WorkerSettings

SECONDS = 20.0
"""Seconds without an outcome before a check. Ray ends a process whose head has been gone for a minute."""


class ClusterWatch:
    """Checks of a cluster while cells are running.

    Args:
        ray: The module, connected.
        settings: Settings of the engine.
    """

    def __init__(self, ray: Any, settings: WorkerSettings) -> None:
        self._ray, self._settings = ray, settings
        self._unanswered = self._told = False

    def look(self, waiting: int) -> None:
        """Print one warning if no node is left that could run a cell; another may still join.

        Args:
            waiting: Number of cells without an outcome.

        Raises:
            InputError: If the head of the cluster has not answered twice.
        """
        if not self._answers():
            return
        resources = self._settings.resources
        if some_node_has_room(self._ray, resources):
            self._told = False
        elif not self._told:
            self._told = True
            print(
                f"warning: no node with {resources.cpus} cores and {resources.gpus:g} GPUs is left, and {waiting} "
                "cells wait for one; add one, or stop this and run the same command later: finished cells stay",
                file=sys.stderr,
                flush=True,
            )

    def _answers(self) -> bool:
        """Return whether the head answers; a Ray that this process started ends with it."""
        if self._settings.address is None:
            return True
        try:
            found_address(self._settings.address)
        except InputError as gone:
            if self._unanswered:
                problem = f"the cluster's head has gone ({gone.problem})"
                hint = "start it again, then run the same command again: finished cells stay"
                raise InputError("address", problem, hint) from gone
            self._unanswered = True
            return False
        self._unanswered = False
        return True
