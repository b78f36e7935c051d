"""Verbal policies: putting policies into words, and asking for what words mean."""
