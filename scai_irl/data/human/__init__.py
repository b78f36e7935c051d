"""Importers of people's choices in ultimatum games."""
