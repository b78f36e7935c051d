"""An estimate on the terminal."""

from __future__ import annotations

from rich.console import Console

from scai_irl.backends.estimate import Estimate


def print_estimate(estimate: Estimate) -> None:
    """Print what something would cost, a line for each kind of cost."""
    console = Console()
    for line in estimate.lines():
        console.print(line, highlight=False, markup=False, soft_wrap=True)
