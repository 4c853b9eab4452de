"""The built-in prompts, as text files, and the reading of such files."""
