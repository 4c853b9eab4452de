"""Frozen data: items, tasks, questions, replies, judgements. No behaviour beyond reading."""

from pytest_mllm_judge.model.item import Criterion, Human, Item, Label, Response, Task
from pytest_mllm_judge.model.judgement import PROBLEMS, Judgement, Parsed, Problem, Reply, Usage, Verdict
from pytest_mllm_judge.model.judgements import Judgements
from pytest_mllm_judge.model.question import Message, Picture, Question, Text, file_digest
from pytest_mllm_judge.model.review import Review
from pytest_mllm_judge.model.tasks import BatchTask, PairTask, ScoreTask, Tasks

__all__ = [
    "PROBLEMS",
    "BatchTask",
    "Criterion",
    "Human",
    "Item",
    "Judgement",
    "Judgements",
    "Label",
    "Message",
    "PairTask",
    "Parsed",
    "Picture",
    "Problem",
    "Question",
    "Reply",
    "Response",
    "Review",
    "ScoreTask",
    "Task",
    "Tasks",
    "Text",
    "Usage",
    "Verdict",
    "file_digest",
]
