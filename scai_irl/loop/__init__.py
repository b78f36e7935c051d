"""The epoch loop: assistants play with users, beliefs are updated, policies are chosen and put into words anew."""
