"""What is asked: one short script for each experiment."""
