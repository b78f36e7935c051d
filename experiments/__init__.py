"""What is asked: one short script for each experiment."""

from scai_irl.io.shadowed import refuse_hidden_packages

refuse_hidden_packages()  # before an experiment's own imports
