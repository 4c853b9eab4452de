"""Asking many questions of a judge, and the plain data that comes of it."""
