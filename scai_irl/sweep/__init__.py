"""Sweeps: one experiment for every combination of settings and seeds, on a machine's cores or a cluster's nodes.

A sweep is a file (`scai_irl.sweep.sweep_definition`) whose cells (`scai_irl.sweep.sweep_cells`) are ordinary results
folders. An engine (`scai_irl.sweep.engines`) only decides where a cell runs. The work itself (`scai_irl.sweep.work`)
and the stored results (`scai_irl.sweep.sweep_folder`, `scai_irl.sweep.collect`) are the same for all engines.
"""
