"""Seven experiments on a group's norm, which share one set-up."""
