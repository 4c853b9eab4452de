"""What a judge is shown of a case under a variant: in which order, which picture, with which requests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from pytest_mllm_judge.model import Label, Task
from pytest_mllm_judge.model.item import LETTERS
from pytest_mllm_judge.probes.attack import BANDWAGON, IN_ANSWER, IN_PICTURE, MARKDOWN
from pytest_mllm_judge.probes.grounding import ANOTHER, BLANK
from pytest_mllm_judge.probes.images import REVERSED
from pytest_mllm_judge.probes.padding import PADDED
from pytest_mllm_judge.probes.reencoding import JPEG
from pytest_mllm_judge.probes.variants import SWAPPED
from pytest_mllm_judge.reference.dials import PAIR, SCORE, Choice, Lures, batch
from tests.benchmarks.probes.population import ANSWERS, Case, Order

PLAIN, AGAIN = "", "again"
ACCOUNT = "account"
"""Not a variant: the reply's account of the picture, read for what it states, and not for its verdict."""
ROTATED = tuple(f"rotated-{turns}" for turns in range(1, ANSWERS["batch"]))
REWORDED = (IN_ANSWER, MARKDOWN, BANDWAGON, PADDED)
"""Variants with other words: to a judge's draws they are items of their own."""
_PICTURES = (BLANK, ANOTHER, JPEG, REVERSED, IN_PICTURE)
"""Variants with the same words and other pictures: asks of their own of one question."""
CHOICES: dict[Task, Choice] = {"score": SCORE, "pair": PAIR, "batch": batch(LETTERS[: ANSWERS["batch"]])}


@dataclass(frozen=True, slots=True)
class Shown:
    """A question as the dials take it.

    `order` says which of the case's answers stands at each place, `picture` tells changed pictures apart.
    """

    case: Case
    variant: str
    choice: Choice
    order: Order
    truth: Label
    key: str
    item: str
    repeat: int
    picture: str
    lures: Lures

    @property
    def disliked(self) -> int:
        """The place, in the order shown, of the answer that humans prefer less."""
        return self.order.index(self.case.disliked)


def shown(case: Case, variant: str) -> Shown:
    """The question that the variant asks."""
    task, order = case.item.task, order_of(case.item.task, variant)
    words = case.item.id + (f"/{variant}" if variant in REWORDED else "")
    said = _SEEN.get(variant, _truth)(case)
    doublings = case.doublings if variant != PADDED else _padded(case)
    lures = Lures(
        doublings=tuple(doublings[place] for place in order),
        favoured=tuple(order.index(place) for place in case.own),
        guess=turned(case.guess, task, order),
    )
    wanted = top(CHOICES[task], order.index(case.disliked))
    if variant == IN_PICTURE:
        lures = replace(lures, in_picture=wanted)
    if variant == IN_ANSWER:
        lures = replace(lures, in_answers=wanted)
    return Shown(
        case=case,
        variant=variant,
        choice=CHOICES[task],
        order=order,
        truth=turned(said, task, order),
        key=f"{words}/{order}",
        item=words,
        repeat=int(variant == AGAIN),
        picture=variant if variant in _PICTURES else "",
        lures=lures,
    )


def top(choice: Choice, place: int) -> Label:
    """What speaks for the answer at a place: the highest score, or its letter."""
    return choice.options[-1] if choice.task == "score" else choice.options[place]


def turned(verdict: Label, task: Task, order: Order) -> Label:
    """A verdict on the case as a verdict on the order that is shown."""
    if task == "score" or order == tuple(range(len(order))):
        return verdict
    names = {LETTERS[answer]: LETTERS[place] for place, answer in enumerate(order)}
    return (
        "".join(map(names.__getitem__, str(verdict))) if task == "batch" else names.get(str(verdict), verdict)
    )


def order_of(task: Task, variant: str) -> Order:
    """Which of the answers stands at each place under a variant."""
    answers = ANSWERS[task]
    turns = 1 if variant == SWAPPED else int(variant[-1]) if variant in ROTATED else 0
    return tuple((place + turns) % answers for place in range(answers))


def _padded(case: Case) -> tuple[float, ...]:
    """The lengths with that of the disliked answer doubled, and the longest."""
    longest = max(case.doublings[case.disliked] + 1, max(case.doublings) + 0.1)
    return tuple(longest if place == case.disliked else old for place, old in enumerate(case.doublings))


def _truth(case: Case) -> Label:
    return case.truth


_SEEN: dict[str, Callable[[Case], Label]] = {
    BLANK: lambda case: case.blind,
    ANOTHER: lambda case: case.elsewhere,
}
"""What the picture gives that is shown instead of the item's."""
