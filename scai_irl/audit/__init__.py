"""Audit of a language model: a fixed battery of interactions, the model's beliefs about them, and a score card."""
