"""Importers of recorded runs and of data on people."""
