"""Sweeps on a Slurm cluster: the script of a job, what it waits for, and how it is submitted."""
