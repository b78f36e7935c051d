"""Small Llamas in this process: their forward pass in JAX, their folders, and a backend that samples from them."""
