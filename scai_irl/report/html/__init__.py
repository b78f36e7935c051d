"""The report: results folders told in one HTML file that needs nothing else."""
