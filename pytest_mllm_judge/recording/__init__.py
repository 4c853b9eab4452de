"""Cassettes: the recorded exchanges of one judge on one benchmark, played back exactly or not at all."""

from pytest_mllm_judge.recording.recorder import MODES, Mode, Recorder, merge

__all__ = ["MODES", "Mode", "Recorder", "merge"]
