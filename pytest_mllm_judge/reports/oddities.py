"""What is odd about a judge's answers, whatever its figures: one verdict for all, no picture seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from pytest_mllm_judge.metrics.upgrade import MAIN
from pytest_mllm_judge.runs.record import Plain

_NEARLY_ALL = 0.95
"""From this share on verdicts are told to be nearly constant."""
_MANY = 20
"""Fewer verdicts may well be alike."""


def nearly_constant(cases: Sequence[Plain]) -> Iterator[str]:
    """The tasks in which a judge says nearly the same of everything, and humans do not."""
    for task in MAIN:
        some = [case for case in cases if case["task"] == task]
        said = Counter(case["verdict"] for case in some if not isinstance(case["verdict"], dict))
        del said[None]
        if said.total() < _MANY or max(said.values()) < _NEARLY_ALL * said.total():
            continue
        verdict, count = said.most_common(1)[0]
        labels = [label for case in some if isinstance(case["human"], list) for label in case["human"]]
        alike = labels.count(verdict)
        if not labels or alike < _NEARLY_ALL * len(labels):
            humans = f"; humans said so in {alike:,} of {len(labels):,} labels" if labels else ""
            yield f"nearly constant: {count:,} of {said.total():,} {task} verdicts are {verdict}{humans}"


def no_picture_seen(judged: Sequence[Plain]) -> Iterator[str]:
    """How many replies about the items say that there was no picture, and how many of them judge still."""
    from pytest_mllm_judge.judging.parsing.unseen import no_picture

    replies = [case for case in judged if not case["variant"] and case["analysis"]]
    found = [(case, said) for case in replies if (said := no_picture(case["analysis"]))]
    if found:
        yield f"no picture seen: {len(found):,} of {len(replies):,} replies say so, {_first(found)}"
    if still := [(case, said) for case, said in found if case["problem"] is None]:
        yield f"no picture seen, and a verdict all the same: {len(still):,}, {_first(still)}"


def _first(found: Sequence[tuple[Plain, str]]) -> str:
    case, said = found[0]
    return f"the first on {case['item']}: {said}"
