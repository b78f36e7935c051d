"""Assistants, and the ways in which they choose what to follow."""
