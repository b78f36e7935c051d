"""Run the study by ``python -m experiments.model_organisms``."""

from scai_irl.experiment.script import run_package

run_package(__package__)
