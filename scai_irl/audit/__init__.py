"""The audit of a language model: a fixed battery of games, its beliefs about them, and a score card."""
