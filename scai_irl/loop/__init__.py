"""The epoch loop: agents choose policies, assistants and users interact, posteriors are updated."""
