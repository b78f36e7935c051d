"""Run the study by ``python -m experiments.currency_suite``."""

from scai_irl.experiment.script import run_package

run_package(__package__)
