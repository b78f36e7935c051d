"""Nothing here is collected: the rivals' scripts import what only their own environments have."""

collect_ignore_glob = ["*.py"]
