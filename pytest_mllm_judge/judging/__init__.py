"""Judges: prompts, kinds of judge, and the reading of their replies."""
