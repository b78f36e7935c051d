"""Subgroups with distinct norms."""
