"""Small Llama models in this process: forward pass in JAX, model folders, generation and scoring."""
