"""One run record in, lines out. Nothing here has seen pytest."""
