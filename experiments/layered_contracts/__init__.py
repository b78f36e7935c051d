"""Norms of a role against the wishes of people."""
