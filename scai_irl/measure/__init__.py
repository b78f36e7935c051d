"""Comparison of verbal and numerical posteriors, and of assistants with users."""
