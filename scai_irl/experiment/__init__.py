"""Experiments: their definition, configuration and runs."""
