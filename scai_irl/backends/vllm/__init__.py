"""vLLM, as a server and in this process."""
