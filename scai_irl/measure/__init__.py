"""Measures that compare verbal with numerical posteriors, and assistants with users."""
