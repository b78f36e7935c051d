"""Whole experiments, from the first play to the report.

The one-group-norm experiment goes here: one test that calls ``measure("one-group norm, 20 runs", "experiments", 1,
program, rounds=3)`` with a program that runs it into a temporary folder.
"""
