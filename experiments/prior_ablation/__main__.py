"""Run the study by ``python -m experiments.prior_ablation``."""

from scai_irl.experiment.script import run_package

run_package(__package__)
