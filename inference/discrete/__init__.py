"""Finitely many hypotheses: their likelihoods and exact posteriors."""
