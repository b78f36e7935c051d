"""The phrasebook: a backend that translates by rule."""
