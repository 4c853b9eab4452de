"""What a judge gave back, and what was read from it."""

from __future__ import annotations

from typing import Literal, Self, get_args

from pydantic import Field, JsonValue, model_validator

from pytest_mllm_judge.model.frozen import Frozen
from pytest_mllm_judge.model.item import Criterion, Item, Label
from pytest_mllm_judge.model.review import Review

Problem = Literal["refused", "malformed", "truncated", "error", "not_asked"]
PROBLEMS: tuple[Problem, ...] = get_args(Problem)
Verdict = Label | dict[Criterion, Label]


class Usage(Frozen):
    """Tokens of one exchange."""

    input_tokens: int = Field(ge=0)
    output_tokens: int = Field(ge=0)


class Reply(Frozen):
    """A judge's reply as it came: text, the provider's refusal, why it stopped, who answered.

    `verdict` is set only where a judge states its verdict apart from any text (a verdict log, a callable).
    `latency` is in seconds.
    """

    text: str | None = None
    verdict: Verdict | None = None
    refusal: str | None = None
    finish_reason: str | None = None
    model: str | None = None
    usage: Usage | None = None
    latency: float | None = None


class Parsed(Frozen):
    """What a parser found in a reply: a verdict, or a problem with its reason; and every named field.

    With criteria the verdict is a table; a criterion that is missing is a problem, and what was found stays.
    """

    verdict: Verdict | None = None
    problem: Problem | None = None
    reason: str = ""
    fields: dict[str, JsonValue] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _is_one_or_the_other(self) -> Self:
        if self.verdict is None and self.problem is None:
            raise ValueError("neither a verdict nor a problem")
        if self.verdict is not None and self.problem is not None and not isinstance(self.verdict, dict):
            raise ValueError("a verdict and a problem at once")
        return self


class Judgement(Frozen):
    """What came of asking a judge about an item once. `reviews` are what humans said of its reply."""

    item: Item
    judge: str
    variant: str = ""
    repeat: int = Field(default=0, ge=0)
    reply: str | None = None
    verdict: Verdict | None = None
    problem: Problem | None = None
    reason: str = ""
    fields: dict[str, JsonValue] = Field(default_factory=dict)
    usage: Usage | None = None
    cost: float | None = None
    latency: float | None = None
    finish_reason: str | None = None
    model: str | None = None
    reviews: tuple[Review, ...] = ()

    def __repr__(self) -> str:
        return f"<{self.judge} on {self.item.id}: {self.problem if self.verdict is None else self.verdict}>"

    @property
    def human(self) -> Label | None:
        """The humans' label: their mean on a numeric scale, else their majority; None without one."""
        if len(labels := self.item.labels()) == 1:
            return labels[0]
        mean = self.item.mean()
        return self.item.majority() if mean is None else mean

    def answer(self, criterion: Criterion | None = None) -> Label | None:
        """The verdict (of one criterion); None where there is none."""
        if isinstance(self.verdict, dict):
            return self.verdict.get(criterion) if criterion is not None else None
        return self.verdict if criterion is None else None


def agrees(judgement: Judgement) -> bool | None:
    """Whether the verdict is a label that most annotators gave; for criteria, every one.

    None where there is no label, or where the judge saw a variant of the item: its verdict is of that.
    """
    if judgement.variant:
        return None
    item = judgement.item
    criteria = item.criteria or (None,)
    answers = []
    for criterion in criteria:
        labels = item.labels(criterion)
        if labels:
            most = max(labels.count(label) for label in labels)
            modes = [label for label in labels if labels.count(label) == most]
            answers.append(judgement.answer(criterion) in modes)
    return all(answers) if answers else None
