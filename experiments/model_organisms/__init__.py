"""Model organisms watch a group."""
