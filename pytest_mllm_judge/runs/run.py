"""One judge on one benchmark."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

from pytest_mllm_judge.asked import probing_of
from pytest_mllm_judge.benchmarks import Benchmark
from pytest_mllm_judge.errors import (
    BenchmarkError,
    CassetteMiss,
    HoldsSecret,
    JudgeError,
    NotAsked,
    SettingsError,
)
from pytest_mllm_judge.judging.judge import Judge
from pytest_mllm_judge.model import Item, Judgement, Judgements, Question, Reply
from pytest_mllm_judge.probes.probing import Probing, lot
from pytest_mllm_judge.recording.recorder import Recorder
from pytest_mllm_judge.runs.asker import Asker
from pytest_mllm_judge.runs.contents import content_of
from pytest_mllm_judge.runs.reviews import Reviews

Key = tuple[str, str, int]
"""Item, variant and repeat."""


@dataclass(frozen=True, slots=True)
class Answered:
    """A judgement, and the item as it was shown: two tests may alter it in other ways under one name.

    `own` says that it was asked as the benchmark says, and not as a test's marker does.
    """

    shown: Item
    judgement: Judgement
    own: bool


class Run:
    """A judge's answers to a benchmark's items. Each question is asked once and its judgement kept.

    `recorder` is None for a judge whose exchanges are not recorded (the reference judge, a verdict log), and
    `asker` also where nobody may be asked. `meanwhile` is called again and again while a reply is waited for.
    """

    def __init__(
        self,
        benchmark: Benchmark,
        judge: Judge,
        *,
        recorder: Recorder | None = None,
        asker: Asker | None = None,
        limit: int | None = None,
        meanwhile: Callable[[], None] = lambda: None,
    ) -> None:
        self.benchmark = benchmark
        self.judge = judge
        self.recorder = recorder
        self.asker = asker
        self.meanwhile = meanwhile
        self.probing = probing_of(benchmark)
        self.items = limited(benchmark.items, limit)
        self.reviews = Reviews(benchmark.folder, judge.name)
        self._is_own = True
        self._kept: dict[Key, list[Answered]] = {}
        self._expected: set[tuple[Key, Item]] = set()

    def ask(self, item: Item, *, repeat: int = 0, variant: str = "") -> Judgement:
        """The judgement of an item: kept, replayed, or asked for now.

        What goes wrong becomes a problem with its reason: `error` if the judge gave nothing back, a picture
        can't be sent or the reply holds a secret; `not_asked` if the cassette lacks the question and nobody
        may be asked, or not any more. Of a variant, the judgement holds the item as it is and the verdict
        as it was given: on a swapped pair, `A` is the item's second response.
        """
        shown = self.probing.altered(item, variant)
        kept = self._kept_of((item.id, variant, repeat), item, shown)
        if kept is not None:
            return kept
        question = self.judge.question(shown, variant=variant, repeat=repeat)
        made = self._judgement(question)
        if variant:
            made = made.model_copy(update={"item": item})
        if reviews := self.reviews.of(made, question):
            made = made.model_copy(update={"reviews": reviews})
        own = self._is_own or not variant
        self._kept.setdefault((item.id, variant, repeat), []).append(Answered(shown, made, own))
        return made

    def _kept_of(self, key: Key, item: Item, shown: Item) -> Judgement | None:
        """What is kept of this item, shown so."""
        for each in self._kept.get(key, ()):
            if _is_same(each.shown, shown) and _is_same(each.judgement.item, item):
                return each.judgement
        return None

    def question(self, item: Item, *, variant: str = "", repeat: int = 0) -> Question:
        """What is asked of the item as this variant shows it. Raise ValueError for an unknown variant."""
        return self.judge.question(self.probing.altered(item, variant), variant=variant, repeat=repeat)

    def shown(self, item: Item, variant: str) -> str:
        """The digest of the item as this variant shows it; '' for the item as it is. See `question`."""
        altered = self.probing.altered(item, variant)
        return "" if altered is item else content_of(altered)

    def asking(self, probing: Probing) -> Run:
        """The same run, asking what a test's marker says: what both ask is asked once."""
        other = self._with(probing)
        other._is_own = False
        return other

    def probed(self, probe: str) -> Run:
        """The same run, asking this one of its probes alone, or none for ''."""
        return self._with(self.probing.only(probe))

    def _with(self, probing: Probing) -> Run:
        other = copy(self)
        other._forget_tasks()
        other.probing = probing
        return other

    @property
    def replies(self) -> Path | None:
        """The file that replies are read from: the cassette, or a log; None where there is none."""
        return self.judge.replies if self.recorder is None else self.recorder.path

    @property
    def made(self) -> tuple[Judgement, ...]:
        """Every judgement made so far, and not forgotten; of several under one name one, the run's own first.

        Which one does not depend on the order in which they were asked.
        """
        every = (min(some, key=_by_right) if len(some) > 1 else some[0] for some in self._kept.values())
        return tuple(each.judgement for each in every)

    def _judgement(self, question: Question) -> Judgement:
        try:
            return self.judge.read(question, self._reply(question))
        except (CassetteMiss, NotAsked) as error:
            problem, reason = "not_asked", str(error)
        except (JudgeError, BenchmarkError, HoldsSecret) as error:
            problem, reason = "error", str(error)
        return Judgement(
            item=question.item,
            judge=self.judge.name,
            variant=question.variant,
            repeat=question.repeat,
            problem=problem,
            reason=reason,
        )

    def _reply(self, question: Question) -> Reply:
        if self.recorder is None:
            return self.judge.ask(question)
        if self.asker is not None:
            return self.asker.reply(self.judge, question, meanwhile=self.meanwhile)
        return self.recorder.exchange(
            question, lambda: self.judge.ask(question), over_http=self.judge.speaks_http
        )

    def expect(self, items: Iterable[Item], *, repeats: int = 1, probed: bool = False) -> None:
        """Say that these items will be asked about so often each: asked ahead, in this order.

        `probed` says that their declared variants will be, too.
        """
        if self.asker is None:
            return
        asks = []
        for item in items:
            for key in self._keys(item, repeats, probed=probed):
                shown = self.probing.altered(item, key[1])
                if (key, shown) not in self._expected and self._kept_of(key, item, shown) is None:
                    self._expected.add((key, shown))
                    asks.append(partial(self.judge.question, shown, variant=key[1], repeat=key[2]))
        self.asker.plan(self.judge, asks)

    def _keys(self, item: Item, repeats: int, *, probed: bool) -> Iterator[Key]:
        """What is asked about an item, in order."""
        for repeat in range(repeats):
            yield item.id, "", repeat
        if probed:
            for _, variant, repeat in self.probing.asks(item, repeats):
                yield item.id, variant, repeat

    def wanted(self, items: Iterable[Item] | None = None) -> Iterator[Question]:
        """Every question that these items, by default all, ask as its probes say, in order."""
        repeats = self.probing.repeat
        for item in self.items if items is None else items:
            for _, variant, repeat in self._keys(item, repeats, probed=True):
                yield self.question(item, variant=variant, repeat=repeat)

    def judgements(self, items: Iterable[Item] | None = None) -> Judgements:
        """The judgements of these items, by default of all; each asked as often as `[probes]` says.

        Those of its variants stand behind an item's own. Figures of agreement leave them out.
        """
        repeats = self.probing.repeat
        chosen = self.items if items is None else tuple(items)
        self.expect(chosen, repeats=repeats, probed=True)
        asked = [
            self.ask(item, variant=variant, repeat=repeat)
            for item in chosen
            for _, variant, repeat in self._keys(item, repeats, probed=True)
        ]
        return Judgements(
            asked,
            cluster_of=self.benchmark.cluster,
            tasks=self.benchmark.tasks,
            population=self.benchmark.manifest.population,
        )

    def beside(self, candidate: Run) -> tuple[Judgements, Judgements]:
        """What a candidate and this baseline are compared by: all judgements of both."""
        return candidate.judgements(), self.judgements()

    def _of(self, task: str) -> Judgements:
        return self.judgements(item for item in self.items if item.task == task)

    @cached_property
    def score(self) -> Judgements:
        """The judgements of all score items."""
        return self._of("score")

    @cached_property
    def pair(self) -> Judgements:
        """The judgements of all pair items."""
        return self._of("pair")

    @cached_property
    def batch(self) -> Judgements:
        """The judgements of all batch items."""
        return self._of("batch")

    def forget(self) -> None:
        """Let go of the judgements: what is asked again is played again."""
        self._kept.clear()
        self._expected.clear()
        self._forget_tasks()

    def _forget_tasks(self) -> None:
        for task in ("score", "pair", "batch"):
            self.__dict__.pop(task, None)

    def prepare(self, items: Sequence[Item], *, repeats: int = 1, probed: bool = False) -> None:
        """Raise before the first question what would go wrong with every one of these items.

        A judge that can't judge them, no cassette to replay, no key to ask with, images that can't be sent,
        reviews that can't be read.
        """
        self.judge.check(items)
        _ = self.reviews.lines
        recorder = self.recorder
        if recorder is not None and recorder.mode == "none":
            if not recorder.exists:
                raise SettingsError(self._nothing_recorded(recorder))
            recorder.has(self.judge.question(items[0]))  # a damaged cassette is told now, once
            return
        unasked = items
        if recorder is not None and recorder.mode == "new_episodes" and recorder.exists:
            unasked = [item for item in items if not self._is_recorded(item, repeats, probed=probed)]
        if not unasked:
            return
        if missing := self.judge.missing_key():
            raise SettingsError(missing)
        if self.judge.sends_images:
            self.benchmark.check_images(unasked)

    def _is_recorded(self, item: Item, repeats: int, *, probed: bool) -> bool:
        recorder = self.recorder
        keys = self._keys(item, repeats, probed=probed)
        questions = (self.question(item, variant=variant, repeat=repeat) for _, variant, repeat in keys)
        return recorder is not None and all(map(recorder.has, questions))

    def _nothing_recorded(self, recorder: Recorder) -> str:
        lines = [
            f"judge {self.judge.name!r} has no recorded answers for the benchmark {self.benchmark.name!r}: "
            f"{recorder.path} does not exist, and record mode 'none' asks nobody",
            f"  To ask it and record its answers: {recorder.rerecord}",
        ]
        if missing := self.judge.missing_key():
            lines.append(f"  Before that: {missing}")
        return "\n".join(lines)


def _is_same(one: Item, other: Item) -> bool:
    return one is other or one == other


def _by_right(each: Answered) -> tuple[bool, str]:
    shown = each.shown
    return not each.own, f"{shown.to_json()} {sorted(shown.picture_changes.items())}"


def limited(items: Sequence[Item], limit: int | None) -> tuple[Item, ...]:
    """At most `limit` items of each task, in their order: those with the smallest hash of their id.

    So the few that are taken are spread over the benchmark, and are the same every time.
    """
    if limit is None:
        return tuple(items)
    taken: set[str] = set()
    for task in ("score", "pair", "batch"):
        ids = sorted((item.id for item in items if item.task == task), key=lot)
        taken.update(ids[:limit])
    return tuple(item for item in items if item.id in taken)
