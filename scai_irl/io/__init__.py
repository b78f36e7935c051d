"""Files, locks, errors and progress: the lowest layer of this package, independent of the project's subject."""
