"""Methods for continuous families: grids, NUTS, SMC, Laplace's approximation and variational inference."""
