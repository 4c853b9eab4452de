"""What should be reviewed next, in lines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from pytest_mllm_judge.benchmarks.images import is_address
from pytest_mllm_judge.benchmarks.toml import shown
from pytest_mllm_judge.metrics.changes import said
from pytest_mllm_judge.model import Item, Judgement
from pytest_mllm_judge.runs.reviewing import Next, ToReview


def lines(found: ToReview) -> Iterator[str]:
    """What is reviewed and what is not used of it, then each reply that is next."""
    yield (
        f"reviews of {found.judge} on {found.benchmark}: {found.reviewed} of {found.replies} replies reviewed"
        f" ({shown(found.path)})"
    )
    yield from _unused(found)
    if not found.next:
        yield "nothing is left to review"
        return
    against = f"flips are those since {found.baseline}" if found.baseline else "no baseline to flip against"
    yield f"next: {len(found.next)} of {found.waiting} not reviewed; {against}"
    for number, each in enumerate(found.next, start=1):
        yield from _one(number, each)


def written(added: int, path: Path) -> str:
    """What `--write` did."""
    return f"wrote {added} empty line{'s' * (added != 1)} to {shown(path)}; fill them in"


def _unused(found: ToReview) -> Iterator[str]:
    if found.stale:
        yield f"  stale   {_places(found.stale)}: the reply, or the question, has changed since"
    if found.unmatched:
        yield f"  unknown {_places(found.unmatched)}: nothing that is asked now"
    if found.open:
        yield f"  open    {found.open} not filled in"
    if found.unreplied:
        yield f"  no word {found.unreplied} items without a reply"


def _places(where: Sequence[str]) -> str:
    return f"{len(where)}, the first at {where[0]}"


def _one(number: int, each: Next) -> Iterator[str]:
    judgement = each.judgement
    yield f"{number}. {judgement.item.id}: {each.why}"
    for image in judgement.item.every_image:
        yield from _text("picture", _place(judgement.item, image))
    yield from _text("asked", judgement.item.instruction)
    for letter, response in zip(judgement.item.letters, judgement.item.responses, strict=True):
        yield from _text(f"answer {letter}", response.text)
    yield from _text("humans", _humans(judgement.item))
    yield from _text("verdict", _verdict(judgement) + (f", was {each.before}" if each.before else ""))
    yield from _text("analysis", judgement.reply)


def _text(name: str, text: str | None) -> Iterator[str]:
    """A text behind its name, its further lines below; nothing for none."""
    for place, line in enumerate((text or "").strip().splitlines()):
        yield f"  {'' if place else name:9} {_printable(line)}".rstrip()


def _place(item: Item, image: str) -> str:
    return image if is_address(image) else shown((item.folder or Path()) / image)


def _humans(item: Item) -> str:
    """`B, B, tie`, or for criteria `style 3, 4; truth 5`."""
    if not isinstance(item.human, dict):
        return ", ".join(map(str, item.labels()))
    told = ((name, ", ".join(map(str, item.labels(name)))) for name in item.criteria)
    return "; ".join(f"{name} {labels}" for name, labels in told if labels)


def _verdict(judgement: Judgement) -> str:
    if isinstance(judgement.verdict, dict):
        return ", ".join(f"{name} {label}" for name, label in judgement.verdict.items())
    return said(judgement)


def _printable(line: str) -> str:
    """The line without what a terminal would obey, or could not write."""
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in line)
