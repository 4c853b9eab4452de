"""Ways to alter an item, and to read what changed. Nothing is asked here."""

from pytest_mllm_judge.probes.favoured import favoured, saying, text_of
from pytest_mllm_judge.probes.probe import Around, Probe, probe
from pytest_mllm_judge.probes.variants import SWAPPED, swapped, turned

__all__ = [
    "SWAPPED",
    "Around",
    "Probe",
    "favoured",
    "probe",
    "saying",
    "swapped",
    "text_of",
    "turned",
]
