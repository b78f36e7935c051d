"""Run the study by ``python -m experiments.response_types``."""

from scai_irl.experiment.script import run_package

run_package(__package__)
