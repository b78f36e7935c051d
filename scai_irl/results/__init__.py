"""Results folders: tables, posteriors, findings and manifests."""
