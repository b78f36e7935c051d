"""Experiments: their definition, configuration and runs."""

from scai_irl.io.callable_package import make_callable

make_callable(__name__, "scai_irl.experiment.definition", "experiment")
