"""What is kept: results folders, their manifests, and importers of other people's records."""
