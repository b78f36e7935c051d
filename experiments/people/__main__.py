"""Run a study of this folder by ``python -m experiments.people``."""

from scai_irl.experiment.script import run_package

run_package(__package__)
