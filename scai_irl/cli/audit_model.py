"""``scai-irl audit model``: a language model's score card."""

from __future__ import annotations

from typing import Any

from scai_irl.audit.scorecard import AUDIT
from scai_irl.experiment.script import run_with_options
from scai_irl.io.command_line import options_of


def execute(options: Any) -> None:
    """Audit the model, and print the results."""
    run_with_options(AUDIT, vars(options))


OPTIONS = options_of(AUDIT.config)
