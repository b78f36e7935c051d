"""Backends: the ways to call a language model."""
