"""Social preferences of people, and assistants that answer as people do."""
