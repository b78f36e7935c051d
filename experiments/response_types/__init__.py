"""Answers that are no preferences."""
