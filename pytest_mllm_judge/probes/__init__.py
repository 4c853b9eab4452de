"""Ways to alter an item, and to read what changed. Nothing is asked here."""

from pytest_mllm_judge.probes.variants import SWAPPED, altered, swapped, turned

__all__ = ["SWAPPED", "altered", "swapped", "turned"]
