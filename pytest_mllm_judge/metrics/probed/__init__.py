"""Readings of a probe's answers, for our own checks and for probes of one's own."""

from pytest_mllm_judge.metrics.probed.favouring import favours
from pytest_mllm_judge.metrics.probed.moving import moves

__all__ = ["favours", "moves"]
