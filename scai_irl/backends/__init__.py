"""Backends: every way in which a language model can be asked."""
