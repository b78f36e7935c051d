"""Run the study by ``python -m experiments.recorded_gpt4``."""

from scai_irl.experiment.script import run_package

run_package(__package__)
