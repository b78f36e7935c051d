"""The command line starts without what only some of its commands need: every second there is waited by everybody."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("openai", "scipy.stats", "arviz", "ray", "torch", "transformers", "llguidance")


def test_it_imports_nothing_that_few_commands_need() -> None:
    program = f"import sys, scai_irl.cli.main; print([name for name in {HEAVY!r} if name in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", program], text=True).strip() == "[]"
