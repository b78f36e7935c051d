"""Currencies ordered by psychological distance."""
