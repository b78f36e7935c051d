"""Files, locks, errors and progress: the ground of this package, which knows nothing of the project."""
