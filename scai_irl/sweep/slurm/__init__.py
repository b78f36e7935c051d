"""Sweeps on a Slurm cluster: the script of a job, its waits, and its submission."""
