"""The phrasebook: a backend that answers by rule instead of a language model."""
