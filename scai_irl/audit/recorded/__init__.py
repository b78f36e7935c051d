"""The audit of GPT-4's recorded runs."""
