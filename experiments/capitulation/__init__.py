"""Tone against behaviour."""
