"""Speed of learning from inconsistent talk."""
