"""Exact and hierarchical models over currencies, role layers and talk."""
