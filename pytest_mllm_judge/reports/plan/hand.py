"""What is at hand of a judge: its recorded, logged or embedded judgements. Nobody is asked for more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations

from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.judging.log import LogJudge
from pytest_mllm_judge.model import Item, Judgement, Judgements, Task
from pytest_mllm_judge.model.judgement import agrees
from pytest_mllm_judge.reports.plan.general import TASKS
from pytest_mllm_judge.runs.run import Run
from pytest_mllm_judge.statistics import effective_n

MOST_REPEATS = 10
"""Of more repeats the first so many are looked at."""


@dataclass(frozen=True, kw_only=True)
class Hand:
    """A judge's judgements at hand: each item's first, and in `again` those of further repeats.

    Among the first are those of the variants that `[probes]` declares, as far as they are at hand. Further
    repeats pass for first ones, so that a judge can be compared with itself. `absent` counts the items that
    the cassette does not hold.
    """

    run: Run
    first: Judgements
    again: tuple[Judgements, ...]
    absent: int

    @property
    def judge(self) -> str:
        """The judge's name."""
        return self.run.judge.name

    def effects(self) -> dict[str, float]:
        """The design effect of each task, on whether verdicts are right: items over effective items."""
        return {task: effect for task in TASKS if (effect := _effect(self.first.task(task))) is not None}

    def changes(self, task: Task) -> tuple[float, float] | None:
        """How often an item's verdict, and whether it is right, changes from one repeat to another.

        The mean over items of the share of their pairs of repeats that differ; None without repeats.
        """
        answers: dict[str, list[Judgement]] = {}
        for part in (self.first, *self.again):
            for judgement in _plain(part.task(task)):
                answers.setdefault(judgement.item.id, []).append(judgement)
        asked = [some for some in answers.values() if len(some) > 1]
        if not asked:
            return None
        verdicts, right = (
            sum(_differing(some, what) for some in asked) / len(asked) for what in (verdict_of, agrees)
        )
        return verdicts, right


def hand_of(run: Run) -> Hand:
    """What is at hand of a run's judge.

    Raise SettingsError where that is nothing: no cassette, or one that holds none of these questions.
    """
    run.prepare(run.items)
    items = [item for item in run.items if _is_at_hand(run, item, 0)]
    if not items:
        raise SettingsError(_nothing(run))
    return Hand(
        run=run,
        first=_judgements(run, _first(run, items)),
        again=tuple(_again(run, items)),
        absent=len(run.items) - len(items),
    )


def differing(
    first: Judgements, second: Judgements, what: Callable[[Judgement], object], *, task: Task | None
) -> float | None:
    """The share of a task's items of which `what` says something else; None where no item is in both."""
    theirs = {judgement.item.id: what(judgement) for judgement in _plain(second)}
    wanted = (j for j in _plain(first) if j.item.id in theirs and task in (None, j.item.task))
    differ = [what(judgement) != theirs[judgement.item.id] for judgement in wanted]
    return sum(differ) / len(differ) if differ else None


def verdict_of(judgement: Judgement) -> object:
    """What the judge said, a problem being an answer of its own."""
    return judgement.problem if judgement.verdict is None else judgement.verdict


def _plain(judgements: Judgements) -> Iterator[Judgement]:
    """Those of items as they are."""
    return (judgement for judgement in judgements if not judgement.variant)


def _first(run: Run, items: list[Item]) -> Iterator[Judgement]:
    for item in items:
        yield run.ask(item)
        for _, variant, repeat in run.probing.asks(item, 1):
            if _is_at_hand(run, item, repeat, variant):
                yield run.ask(item, variant=variant, repeat=repeat)


def _is_at_hand(run: Run, item: Item, repeat: int, variant: str = "") -> bool:
    """Whether the answer can be had without asking. Of further repeats, logs and cassettes alone can tell."""
    if run.recorder is not None:
        return run.recorder.has(run.question(item, variant=variant, repeat=repeat))
    if isinstance(run.judge, LogJudge) and (repeat or variant):
        return run.ask(item, variant=variant, repeat=repeat).problem != "not_asked"
    return repeat == 0


def _again(run: Run, items: list[Item]) -> Iterator[Judgements]:
    for repeat in range(1, MOST_REPEATS):
        found = [item for item in items if _is_at_hand(run, item, repeat)]
        if not found:
            return
        asked = (run.ask(item, repeat=repeat) for item in found)
        yield _judgements(run, (judgement.model_copy(update={"repeat": 0}) for judgement in asked))


def _judgements(run: Run, judgements: Iterable[Judgement]) -> Judgements:
    return Judgements(judgements, cluster_of=run.benchmark.cluster, tasks=run.benchmark.tasks)


def _nothing(run: Run) -> str:
    first = run.ask(run.items[0])
    return (
        f"nothing is at hand of judge {run.judge.name!r}: the cassette holds none of the {len(run.items)} "
        f"questions of the benchmark {run.benchmark.name!r}; the first:\n{first.reason}"
    )


def _effect(judgements: Judgements) -> float | None:
    labelled = judgements.filter(lambda judgement: agrees(judgement) is not None)
    if not labelled:
        return None
    clusters = [judgements.cluster_of(judgement.item) for judgement in labelled]
    return len(labelled) / effective_n([bool(agrees(judgement)) for judgement in labelled], clusters)


def _differing(some: list[Judgement], what: Callable[[Judgement], object]) -> float:
    pairs = list(combinations(map(what, some), 2))
    return sum(one != other for one, other in pairs) / len(pairs)
