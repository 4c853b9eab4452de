"""Reading a judge's reply: strict, never guessing, never raising."""

from pytest_mllm_judge.judging.parsing.strict import parse

__all__ = ["parse"]
