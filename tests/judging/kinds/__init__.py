"""Tests of the kinds of judge."""
