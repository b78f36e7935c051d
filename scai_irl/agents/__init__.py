"""Assistants, their users, and the agents that choose the policies of assistants."""
