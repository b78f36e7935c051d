"""Model organisms: small language models whose verbal posterior is known, since they were trained to have it."""
