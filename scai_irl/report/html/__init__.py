"""HTML report of results folders, in one file without external resources."""
