"""Importer of the recorded runs of SCAI (2023)."""
