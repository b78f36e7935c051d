"""Model organisms: small language models that are trained to have a known verbal posterior."""
