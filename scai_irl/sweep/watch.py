"""A cluster from which nothing has come for a while: whether cells take long, or nothing can ever come."""

from __future__ import annotations

import sys
from typing import Any

from scai_irl.io.errors import InputError
from scai_irl.sweep.address import found_address
from scai_irl.sweep.nodes import some_node_has_room
from scai_irl.sweep.worker_settings import Terms

SECONDS = 20.0
"""After so long without an outcome a look is due. Ray ends a process whose head has been gone for a minute."""


class ClusterWatch:
    """Look after a cluster while cells are worked on.

    Args:
        ray: The module, connected.
        terms: What the engine was told.
    """

    def __init__(self, ray: Any, terms: Terms) -> None:
        self._ray, self._terms = ray, terms
        self._unanswered = self._told = False

    def look(self, waiting: int) -> None:
        """Say so, once, if no node is left that could take a cell; another may still join.

        Args:
            waiting: Cells that were sent and have not come back.

        Raises:
            InputError: If the head of the cluster has not answered twice.
        """
        if not self._answers():
            return
        resources = self._terms.resources
        if some_node_has_room(self._ray, resources):
            self._told = False
        elif not self._told:
            self._told = True
            print(
                f"warning: no node with {resources.cpus} cores and {resources.gpus:g} GPUs is left, and {waiting} "
                "cells wait for one; add one, or stop this and run the same command later: what has finished stays",
                file=sys.stderr,
                flush=True,
            )

    def _answers(self) -> bool:
        """Return whether the head does; a Ray of our own ends with this process."""
        if self._terms.address is None:
            return True
        try:
            found_address(self._terms.address)
        except InputError as gone:
            if self._unanswered:
                problem = f"the cluster's head has gone ({gone.problem})"
                hint = "start it again, then run the same command again: what has finished stays"
                raise InputError("address", problem, hint) from gone
            self._unanswered = True
            return False
        self._unanswered = False
        return True
