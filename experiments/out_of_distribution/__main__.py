"""Run the study by ``python -m experiments.out_of_distribution``."""

from scai_irl.experiment.script import run_package

run_package(__package__)
