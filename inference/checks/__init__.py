"""Checks of posteriors: calibration, diagnostics, cross-validation and predictive checks."""
