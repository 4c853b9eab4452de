"""What sways a judge besides how good an answer is: its place, its length, its author; constant verdicts."""

from __future__ import annotations

from typing import Any

from pytest_mllm_judge.claims import Estimate
from pytest_mllm_judge.metrics.bias.constant import constant
from pytest_mllm_judge.metrics.bias.families import FAMILIES
from pytest_mllm_judge.metrics.bias.images import images
from pytest_mllm_judge.metrics.bias.padding import padding
from pytest_mllm_judge.metrics.bias.pairs import pair_length, pair_self_preference
from pytest_mllm_judge.metrics.bias.position import position as pair_position
from pytest_mllm_judge.metrics.bias.rotations import batch_position, echo
from pytest_mllm_judge.metrics.bias.scores import score_length, score_self_preference
from pytest_mllm_judge.model import Judgements

__all__ = [
    "FAMILIES",
    "batch_position",
    "constant",
    "echo",
    "images",
    "length",
    "padding",
    "pair_length",
    "pair_position",
    "pair_self_preference",
    "position",
    "score_length",
    "score_self_preference",
    "self_preference",
]


def length(judgements: Judgements, /, **options: Any) -> Estimate:
    """`pair_length` of pairs, and `score_length` of scores, which take the options."""
    return (
        pair_length(judgements, **options) if _are_pairs(judgements) else score_length(judgements, **options)
    )


def position(judgements: Judgements, /, **options: Any) -> Estimate:
    """`pair_position` of pairs, and `batch_position` of batches, which take the options."""
    batches = any(judgement.item.task == "batch" for judgement in judgements)
    return (batch_position if batches else pair_position)(judgements, **options)


def self_preference(judgements: Judgements, /, **options: Any) -> Estimate:
    """`pair_self_preference` of pairs, and `score_self_preference` of scores, which take the options."""
    of_task = pair_self_preference if _are_pairs(judgements) else score_self_preference
    return of_task(judgements, **options)


def _are_pairs(judgements: Judgements) -> bool:
    return any(judgement.item.task == "pair" for judgement in judgements)
