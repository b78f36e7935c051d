"""The cost of priors."""
