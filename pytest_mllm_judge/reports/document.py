"""The report as a document, which Markdown is made from; `docs/report.schema.json` is its schema."""

from __future__ import annotations

import json
from typing import Any, Literal

from pydantic import Field, JsonValue

from pytest_mllm_judge.metrics.changed_where import About
from pytest_mllm_judge.model import Label, Task
from pytest_mllm_judge.model.frozen import Frozen

FORMAT: Literal["mllm-judge-report/1"] = "mllm-judge-report/1"
Answer = Literal["yes", "no", "not enough data"]
"""May the candidate replace the baseline?"""
Outcome = Literal["holds", "fails", "undecided"]
Move = Literal["worse", "better", "other"]


class Figure(Frozen):
    """A figure with its interval; without one, `reason` says why. `n` judgements stand in `clusters`."""

    value: float | None
    low: float | None = None
    high: float | None = None
    n: int
    clusters: int
    reason: str = ""


class Slice(Frozen):
    """The items whose `field` has that `value`."""

    field: str
    value: str


class Comparison(Frozen):
    """One check by which two judges are compared, on all its items or on a slice.

    `decides` says whether the upgrade depends on it. `outcome` is of the claim that the candidate is worse by
    no more than `margin`, `smallest_margin` the smallest for which it would hold, `items_to_settle` and
    `repeats_to_settle` about how many would settle an undecided one. `regressed` is a flag: worse than the
    baseline at all, by `p_holm`, which is corrected for everything that is compared.
    """

    name: str
    check: str
    options: dict[str, JsonValue]
    slice: Slice | None
    decides: bool
    margin: float | None
    outcome: Outcome | None
    candidate: Figure
    baseline: Figure
    difference: Figure
    smallest_margin: float | None
    items_to_settle: int | None
    repeats_to_settle: int | None
    p: float | None
    p_holm: float
    regressed: bool


class Row(Frozen):
    """The items of one value under the baseline and now, and how many of the latter changed in which way.

    `fares` says that they fare better or worse than the other rows' items; '' if neither shows, and always
    where the judges' own verdicts make the rows.
    """

    value: str
    before: int
    now: int
    worse: int
    better: int
    other: int
    fares: Literal["", "better", "worse"]


class Table(Frozen):
    """What changed by source, by slot or length of the answer that humans prefer, by the characters of the
    response; by verdict, by slot or length of the answer that the judge prefers, where items can move.
    """

    about: About
    moves: bool
    rows: tuple[Row, ...]


class Said(Frozen):
    """What one judge said of an item: verdict or problem in words, the reply, and why there is no verdict."""

    verdict: str
    analysis: str | None
    reason: str = ""


class Flip(Frozen):
    """An item whose verdict changed. `images` are paths from the project's folder, or addresses.

    `move`: `worse` is right to wrong, `better` wrong to right, `other` wrong to another wrong; of a ranking
    farther from the humans', nearer, as far. `noise`: asking the same judge again changes it too; null where
    nothing can tell. `points` is the move on a scale of numbers, `distances` a ranking's before and now.
    """

    item: str
    source: str | None
    move: Move
    noise: bool | None
    images: tuple[str, ...]
    labels: tuple[Label, ...]
    baseline: Said
    candidate: Said
    points: float | None
    distances: tuple[float, float] | None


class Changed(Frozen):
    """What changed in one task (of one criterion), of the items `compared`.

    `noise` counts the flips that asking again also produces, null where nothing can tell; `unpaired` the
    items that only one of both judges was asked about.
    """

    task: Task
    criterion: str | None
    compared: int
    unpaired: int
    worse: int
    better: int
    other: int
    noise: int | None
    tables: tuple[Table, ...]
    flips: tuple[Flip, ...]


class Upgrade(Frozen):
    """May the candidate replace the baseline: the answer, its reason in a sentence, and all that it rests on.

    `comparisons` decide; `slices` and `properties` are looked at besides. `changed` is empty where the
    baseline's own judgements are not at hand. `downstream` tells whether conclusions about the judged models
    would change, `reversals` names the pairs of them whose order turns round for certain, and `notes` say
    what else is to be known of the comparison. `not_asked` counts the questions that a run did not ask of
    either judge: neither judge's answer to them is in `changed` and `downstream`.
    """

    benchmark: str
    judge: str
    baseline: str
    answer: Answer
    reason: str
    comparisons: tuple[Comparison, ...]
    slices: tuple[Comparison, ...]
    properties: tuple[Comparison, ...]
    changed: tuple[Changed, ...]
    downstream: dict[str, JsonValue] | None = None
    reversals: tuple[str, ...] = ()
    downstream_lines: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    not_asked: int = 0


class Agreement(Frozen):
    """How well a judge agrees with humans on one task (by one criterion)."""

    check: str
    criterion: str | None
    figure: Figure


class Probed(Frozen):
    """A figure that rests on what a probe asked (by one criterion), of so many items, and in words."""

    check: str
    criterion: str | None
    items: int
    figure: Figure
    line: str


class TaskOf(Frozen):
    """One task's items as a judge was first asked about them."""

    task: Task
    items: int
    verdicts: int
    problems: int
    agreement: tuple[Agreement, ...]


class Gate(Frozen):
    """What came of a gate, and its line."""

    name: str
    outcome: Outcome
    line: str


class Reason(Frozen):
    """Why so many judgements have no verdict."""

    problem: str
    reason: str
    count: int


class Spent(Frozen):
    """What the questions took, those of repeats and variants included; null where nothing is known.

    `unpriced` counts the replies without a price.
    """

    questions: int
    input_tokens: int | None
    output_tokens: int | None
    cost: float | None
    unpriced: int


class JudgeOf(Frozen):
    """One judge on one benchmark. `model` is the one asked for, `answered_by` counts the replies of each.

    `identity` is what decides its replies: prompt and its digest, parser, settings. `notes` are lines about
    what the run left out, and what is odd about the answers.
    """

    judge: str
    benchmark: str
    folder: str
    under_test: bool
    tasks: tuple[TaskOf, ...]
    probes: tuple[Probed, ...]
    gates: tuple[Gate, ...]
    problems: dict[str, int]
    reasons: tuple[Reason, ...]
    spent: Spent
    model: str
    answered_by: dict[str, int]
    identity: dict[str, JsonValue]
    notes: tuple[str, ...]


class Claim(Frozen):
    """A claim that a test of one's own made."""

    test: str
    number: int
    outcome: Outcome
    text: str


class Sheet(Frozen):
    """A table in words: title, heading, rows of as many cells, notes below."""

    title: str
    heading: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


class Candidates(Frozen):
    """Several judges on one benchmark: the tables in words, and as `plain` data."""

    benchmark: str
    legend: str
    sheets: tuple[Sheet, ...]
    plain: dict[str, JsonValue]


class Report(Frozen):
    """All that a run showed. `record` is the run record that it was made from; every path is relative."""

    format: Literal["mllm-judge-report/1"] = FORMAT
    upgrades: tuple[Upgrade, ...]
    candidates: tuple[Candidates, ...] = ()
    judges: tuple[JudgeOf, ...]
    claims: tuple[Claim, ...]
    record: dict[str, JsonValue] = Field(description="The run record: every judgement, case, gate and claim.")


def schema() -> str:
    """The report's JSON Schema, as a file holds it."""
    drawn: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Report.model_json_schema(mode="serialization"),
    }
    return json.dumps(drawn, indent=2, ensure_ascii=False) + "\n"
