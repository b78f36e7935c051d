"""Sweeps: one experiment for every combination of settings and seeds, on a machine's cores or a cluster's nodes.

A sweep is a file (`scai_irl.sweep.sweep_definition`) whose cells (`scai_irl.sweep.sweep_cells`) are ordinary results
folders. Engines (`scai_irl.sweep.engines`) only decide where a cell is worked on; what is done there
(`scai_irl.sweep.work`) and what is kept of it (`scai_irl.sweep.sweep_folder`, `scai_irl.sweep.collect`) is the same for
all.
"""
