"""Continuous families of hypotheses: their priors, and the probability of choices given their parameters."""
