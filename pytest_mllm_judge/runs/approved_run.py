"""A judge as it was approved of: a run that is read from its approval instead of being asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import Any, ClassVar

from pytest_mllm_judge.benchmarks import Benchmark
from pytest_mllm_judge.errors import NotAsked
from pytest_mllm_judge.judging.judge import Context, Identity, Judge
from pytest_mllm_judge.model import Item, Judgement, Judgements, Parsed, Question, Reply, Task
from pytest_mllm_judge.model.frozen import Frozen
from pytest_mllm_judge.runs.approved import Answer, Approved, Spent
from pytest_mllm_judge.runs.contents import content_of, labels_of
from pytest_mllm_judge.runs.run import Run

AS_APPROVED = " (approved)"
"""Behind a judge's name: what it said when it was approved of, whatever it says now."""
_TASKS: tuple[Task, ...] = ("score", "pair", "batch")
Asked = tuple[str, str, int]
"""Item, variant, repeat."""


class ApprovedJudge(Judge):
    """Says of each item what its approval says. Nothing else is asked of it."""

    Settings: ClassVar[type[Frozen]] = Frozen
    sends_images = False
    is_recorded = False

    def __init__(self, approved: Approved, context: Context) -> None:
        super().__init__(approved.judge + AS_APPROVED, context)
        self.model = approved.model
        self._identity = approved.identity
        self._answered_by = next(iter(approved.answered_by)) if len(approved.answered_by) == 1 else None
        self._answers = dict(_answers(approved))

    def identity(self) -> Identity:
        """What it was when it was approved of."""
        return self._identity

    def question(self, item: Item, *, variant: str = "", repeat: int = 0) -> Question:
        """A question without messages: the approval holds no prompt."""
        return Question(
            item=item,
            judge=self.name,
            model=self.model,
            messages=(),
            settings={"item": item.id, "variant": variant},
            variant=variant,
            repeat=repeat,
        )

    def ask(self, question: Question) -> Reply:
        """A reply without a text. Raise NotAsked for what the approval does not know."""
        if _asked(question) not in self._answers:
            raise NotAsked(f"the approval does not know {question.item.id!r} (repeat {question.repeat})")
        return Reply()

    def parse(self, item: Item, reply: Reply) -> Parsed:
        """Nothing can be read from a reply that is not there."""
        del item, reply
        return Parsed(problem="not_asked", reason="an approval holds no reply")

    def read(self, question: Question, reply: Reply) -> Judgement:
        """The judgement as it was approved of."""
        del reply
        answer, (cost, latency) = self._answers[_asked(question)]
        return Judgement(
            item=question.item,
            judge=self.name,
            variant=question.variant,
            repeat=question.repeat,
            verdict=answer.verdict,
            problem=answer.problem,
            reason="as approved" if answer.problem else "",
            cost=cost,
            latency=latency,
            model=self._answered_by,
            reviews=answer.reviews,
        )


def _asked(question: Question) -> Asked:
    return question.item.id, question.variant, question.repeat


def _answers(approved: Approved) -> Iterable[tuple[Asked, tuple[Answer, Spent]]]:
    for name, item in approved.items.items():
        spent = approved.spent.get(name, ((None, None),) * len(item.answers))
        for answer, each in zip(item.answers, spent, strict=True):
            yield (name, answer.variant, answer.repeat), (answer, each)


class ApprovedRun(Run):
    """An approval on the benchmark as it is today: `items` are those that can still be compared.

    An item can be compared if it is asked about as it was then, with the same points or labels to choose
    from. Its human labels are today's.
    """

    def __init__(self, benchmark: Benchmark, approved: Approved, *, limit: int | None = None) -> None:
        super().__init__(benchmark, ApprovedJudge(approved, Context(tasks=benchmark.tasks)), limit=limit)
        self.approved = approved
        self._told: dict[str, Any] = {}
        left_out = {item.id for item in (*self.unknown, *self.changed, *self.rescaled)}
        self.items = tuple(item for item in self.items if item.id not in left_out)

    @cached_property
    def unknown(self) -> tuple[Item, ...]:
        """The benchmark's items that the approval does not have."""
        return tuple(item for item in self.benchmark.items if item.id not in self.approved.items)

    @cached_property
    def changed(self) -> tuple[Item, ...]:
        """The items that are asked about otherwise than they were."""
        return tuple(item for item in self._known if self.approved.items[item.id].content != content_of(item))

    @cached_property
    def rescaled(self) -> tuple[Item, ...]:
        """The items of tasks whose verdicts are chosen from something else than they were."""
        then, now = self.approved.tasks, self.benchmark.tasks
        tasks = {task for task in _TASKS if getattr(then, task) != getattr(now, task)}
        return tuple(item for item in self._known if item.task in tasks)

    @cached_property
    def relabelled(self) -> tuple[Item, ...]:
        """The items that can be compared, of which humans say something else than they did."""
        whole = {item.id for item in (*self.changed, *self.rescaled)}
        known = (item for item in self._known if item.id not in whole)
        return tuple(item for item in known if self.approved.items[item.id].labels != labels_of(item))

    @cached_property
    def gone(self) -> tuple[str, ...]:
        """The approval's items that the benchmark does not have, or leaves out, by name."""
        there = {item.id for item in self.benchmark.items}
        return tuple(name for name in self.approved.items if name not in there)

    @property
    def _known(self) -> tuple[Item, ...]:
        return tuple(item for item in self.benchmark.items if item.id in self.approved.items)

    def question(self, item: Item, *, variant: str = "", repeat: int = 0) -> Question:
        """By what an answer is found; what the judge was shown then is not known any more."""
        return self.judge.question(item, variant=variant, repeat=repeat)

    def once(self, candidate: Run, make: Callable[[], Any]) -> Any:
        """What `make` tells of a candidate, made once: every comparison tells it."""
        if candidate.judge.name not in self._told:
            self._told[candidate.judge.name] = make()
        return self._told[candidate.judge.name]

    def judgements(self, items: Iterable[Item] | None = None) -> Judgements:
        """All that the approval says of these items, as far as they can be compared."""
        chosen = {item.id for item in (self.items if items is None else items)}
        return Judgements(
            [
                self.ask(item, variant=answer.variant, repeat=answer.repeat)
                for item in self.items
                if item.id in chosen
                for answer in self.approved.items[item.id].answers
                if self._is_shown_so(item, answer)
            ],
            cluster_of=self.benchmark.cluster,
            tasks=self.benchmark.tasks,
            population=self.benchmark.manifest.population,
        )

    def _is_shown_so(self, item: Item, answer: Answer) -> bool:
        """Whether the answer's variant shows the item as it did then; one that nobody knows does not."""
        if not answer.shown:
            return True
        try:
            return self.shown(item, answer.variant) == answer.shown
        except ValueError:
            return False

    def beside(self, candidate: Run) -> tuple[Judgements, Judgements]:
        """What the candidate and the approval said, of the questions that both were asked."""
        ours, theirs = candidate.judgements(self.items), self.judgements()
        common = {_name(each) for each in ours} & {_name(each) for each in theirs}
        return ours.filter(lambda one: _name(one) in common), theirs.filter(lambda one: _name(one) in common)


def _name(judgement: Judgement) -> Asked:
    return judgement.item.id, judgement.variant, judgement.repeat
