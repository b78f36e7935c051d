"""Out of distribution: a norm learnt in dollars, followed in unfamiliar currencies."""
