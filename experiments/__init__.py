"""Experiments: a folder for each study, with its question, configuration, model and figures."""

from scai_irl.io.shadowed import refuse_hidden_packages

refuse_hidden_packages()  # before an experiment's own imports
