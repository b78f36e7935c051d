"""Run the study by ``python -m experiments.inconsistent_talk``."""

from scai_irl.experiment.script import run_package

run_package(__package__)
