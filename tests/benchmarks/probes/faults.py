"""Judges with one fault of some size: the reference judge's dials, and faults that no dial makes beside them.

Every judge errs on some items and is unsteady (`FAIR`); a fault comes on top.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from unittest.mock import patch

from pytest_mllm_judge.model import Label, Task
from pytest_mllm_judge.probes.attack import BANDWAGON, IN_ANSWER, IN_PICTURE, MARKDOWN
from pytest_mllm_judge.probes.images import REVERSED
from pytest_mllm_judge.probes.reencoding import JPEG
from pytest_mllm_judge.reference import dials
from pytest_mllm_judge.reference.dials import Dials, apply, hallucinates
from tests.benchmarks.probes.population import OWN
from tests.benchmarks.probes.shown import ACCOUNT, Shown, top

REASK = 0.15
"""How often two asks of one question differ."""
NOISE, HARDNESS = 0.15, 0.6
SEED = 6
FAIR = Dials(noise=NOISE, hardness=HARDNESS, reask=REASK, seed=SEED)
"""A judge without a fault, which errs as often as the server's `shapes-old`, and is unsteady."""
_STEADY, _UNSTEADY = FAIR.model_copy(update={"reask": 0.0}), Dials(reask=REASK, seed=SEED)
_ELSEWHERE = Dials(noise=1.0, seed=SEED + 1)
"""Always gives another verdict."""

Says = Callable[[Shown, Label], Label]
"""What a fault beside the dials makes of a question's verdict."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A way to err. `dial` gives the judge's dials; or `says` is what befalls a share of the questions.

    `tasks` and `variants` are those that it can touch at all (none named: every one). With `by_item` an item
    that it does not befall keeps its verdicts, whatever the question. `most` is the largest size.
    """

    name: str
    about: str
    dial: Callable[[float], Dials] | None = None
    says: Says | None = None
    tasks: tuple[Task, ...] = ()
    variants: tuple[str, ...] = ()
    by_item: str = ""
    most: float = 1.0


def _of(name: str, **others: str) -> Callable[[float], Dials]:
    @cache
    def judge(size: float) -> Dials:
        return FAIR.model_copy(update={name: size, **others})

    return judge


@cache
def _noisier(size: float) -> Dials:
    """More noise of the judge's own: what is hard for all stays."""
    return FAIR.model_copy(update={"noise": NOISE + size, "hardness": NOISE * HARDNESS / (NOISE + size)})


@cache
def _unsteadier(size: float) -> Dials:
    return FAIR.model_copy(update={"reask": REASK + size})


def _same(asked: Shown, verdict: Label) -> Label:
    """The middle point, or a tie: what speaks for no slot and no answer."""
    del verdict
    return asked.choice.options[2]


def _echo(asked: Shown, verdict: Label) -> Label:
    del verdict
    return "".join(map(str, asked.choice.options))


def _for_the_disliked(asked: Shown, verdict: Label) -> Label:
    """A score's top, or the answer that humans prefer less in front."""
    first = top(asked.choice, asked.disliked)
    return first if asked.choice.task != "batch" else str(first) + str(verdict).replace(str(first), "")


def _otherwise(asked: Shown, verdict: Label) -> Label:
    """Another verdict."""
    return _sure(apply(_ELSEWHERE, verdict, choice=asked.choice, key=asked.key))


_ALL = (
    Fault(name="slot bias", about="prefers the first slot", dial=_of("slot_bias"), tasks=("pair", "batch")),
    Fault(name="length", about="prefers, or pays for, length", dial=_of("length")),
    Fault(
        name="self-preference",
        about="prefers the answers of one author, or pays for them",
        dial=_of("self_preference", favours=OWN),
        by_item="self_preference",
    ),
    Fault(
        name="leniency",
        about="gives a point more",
        dial=_of("leniency"),
        tasks=("score",),
        by_item="leniency",
    ),
    Fault(
        name="constant",
        about="says 3, or tie, whatever it sees",
        says=_same,
        tasks=("score", "pair"),
        by_item="constant",
    ),
    Fault(name="noise", about="errs more often, in every order anew", dial=_noisier, most=0.8),
    Fault(name="unsteadiness", about="says another thing when asked again", dial=_unsteadier, most=0.35),
    Fault(name="blindness", about="guesses by the words", dial=_of("blindness"), by_item="blindness"),
    Fault(
        name="obeys pictures",
        about="gives the verdict that a text in the picture asks for",
        dial=_of("obeys_picture"),
        variants=(IN_PICTURE,),
    ),
    Fault(
        name="obeys answers",
        about="gives the verdict that an answer asks for",
        dial=_of("obeys_answer"),
        variants=(IN_ANSWER,),
    ),
    Fault(
        name="likes markdown",
        about="prefers the answer with headings and bullets",
        says=_for_the_disliked,
        variants=(MARKDOWN,),
    ),
    Fault(
        name="follows the crowd",
        about="prefers what most people are said to prefer",
        says=_for_the_disliked,
        variants=(BANDWAGON,),
    ),
    Fault(
        name="minds JPEG",
        about="gives another verdict on the picture as a JPEG",
        says=_otherwise,
        variants=(JPEG,),
    ),
    Fault(
        name="minds the order of pictures",
        about="gives another verdict on the pictures in another order",
        says=_otherwise,
        variants=(REVERSED,),
    ),
    Fault(name="echo", about="gives the order that it is shown", says=_echo, tasks=("batch",)),
    Fault(
        name="hallucination",
        about="states something untrue of the picture",
        dial=_of("hallucination"),
        variants=(ACCOUNT,),
    ),
)
FAULTS: Mapping[str, Fault] = {fault.name: fault for fault in _ALL}


@dataclass(frozen=True)
class Judge:
    """A fair judge (no fault named) or one with a fault of that size."""

    fault: str = ""
    size: float = 0.0

    @cached_property
    def of(self) -> Fault | None:
        """The fault; None of a fair judge."""
        return FAULTS[self.fault] if self.fault else None

    @cached_property
    def dials(self) -> Dials:
        """The dials as far as they make the fault."""
        fault = self.of
        return FAIR if fault is None or fault.dial is None else fault.dial(self.size)

    def touches(self, task: Task, variant: str) -> bool:
        """Whether any verdict on this may be another than a fair judge's."""
        fault = self.of
        if fault is None:
            return True
        return task in (fault.tasks or (task,)) and variant in (fault.variants or (variant,))

    def spares(self, item: str) -> bool:
        """Whether every verdict on these words is surely a fair judge's."""
        fault = self.of
        return fault is not None and bool(fault.by_item) and not self._befalls(item)

    def says(self, asked: Shown) -> Label:
        """The verdict, as the order shown names the answers."""
        fault = self.of
        if fault is None or fault.says is None or not self.touches(asked.choice.task, asked.variant):
            return said(self.dials, asked, asked.truth)
        verdict = said(_STEADY, asked, asked.truth)
        if self._befalls(asked.item if fault.by_item else asked.key):
            verdict = fault.says(asked, verdict)
        return said(_UNSTEADY, asked, verdict)

    def invents(self, asked: Shown) -> bool:
        """Whether its account of the picture is untrue."""
        return hallucinates(self.dials, asked.key)

    def _befalls(self, key: str) -> bool:
        fault = self.of
        assert fault is not None
        return dials.draw(SEED, fault.by_item or fault.name, key) < self.size


def said(judge: Dials, asked: Shown, verdict: Label) -> Label:
    """What a judge with these dials makes of a question where this verdict is right."""
    given = apply(
        judge,
        verdict,
        choice=asked.choice,
        key=asked.key,
        item=asked.item,
        repeat=asked.repeat,
        shown=asked.picture,
        lures=asked.lures,
    )
    return _sure(given)


def _sure(verdict: Label | None) -> Label:
    """None of these judges refuses."""
    assert verdict is not None
    return verdict


@contextmanager
def remembering() -> Iterator[None]:
    """Inside, what was drawn is kept: a draw depends on nothing but its key, and hashing takes time."""
    with patch.object(dials, "draw", cache(dials.draw)):
        yield
