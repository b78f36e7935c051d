"""Audit of the recorded runs of SCAI (2023), in which GPT-4 played all roles."""
