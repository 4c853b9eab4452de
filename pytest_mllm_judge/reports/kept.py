"""What the `cassette` verbs say, as lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from pytest_mllm_judge.benchmarks.toml import shown
from pytest_mllm_judge.runs.imported import Brought
from pytest_mllm_judge.runs.kept import Kept, Told
from pytest_mllm_judge.runs.kept_figures import Figures, figures_of, models_of

_FIRST = 3


def is_unsound(kept: Kept) -> bool:
    """Whether something is damaged or missing, or that can't be known."""
    return bool(kept.contents.damaged or kept.missing or kept.unbuilt)


def is_stale(kept: Kept) -> bool:
    """Whether there is something that nothing asks for."""
    return bool(kept.stale)


def check(kept: Kept) -> Iterator[str]:
    """Whether a cassette can be played as a whole: its lines, then the questions that it has no reply to."""
    contents, asked = kept.contents, len(kept.asked) + len(kept.unknown)
    of = "" if kept.unbuilt else f", {asked - len(kept.missing):,} of {_count(asked, 'question')} answered"
    yield f"{kept.shown}: {_count(len(contents.held), 'exchange')}{of}{'' if is_unsound(kept) else ': ok'}"
    if contents.held:
        yield from _column("answered", _answered(models_of(contents.exchanges)))
    if contents.left is not None:
        cut = ", the last line cut" if contents.is_cut else ""
        yield from _column(
            "journal",
            [
                f"a run was killed or is still recording: {_count(contents.left, 'exchange')}{cut}; "
                "the next one that records sorts them in"
            ],
        )
    yield from _column("unsorted", [contents.disorder] if contents.disorder else [])
    yield from _column("damaged", contents.damaged)
    yield from _column("judge", kept.unbuilt.splitlines())
    yield from _column("missing", [f"{told.name}: {told.why}" for told in kept.missing])
    if kept.missing and kept.rerecord:
        yield from _column("record", [kept.rerecord])


def stale(kept: Kept) -> Iterator[str]:
    """The exchanges that nothing asks for, one a line."""
    yield f"{kept.shown}: {_count(len(kept.stale), 'stale exchange')} of {_lines(kept):,}"
    yield from _told(kept.stale)


def pruned(kept: Kept, size: int, *, dry_run: bool, undeclared: bool = False) -> Iterator[str]:
    """What was taken out of a cassette, and how much of what is stale stays since a marker may ask it."""
    gone = kept.to_prune(undeclared=undeclared)
    if gone:
        done = "would remove" if dry_run else "removed"
        yield f"{kept.shown}: {done} {len(gone):,} of {_count(_lines(kept), 'exchange')}, {_bytes(size)}"
        yield from _told(gone)
    else:
        yield f"{kept.shown}: nothing to remove, all of {_count(len(kept.contents.held), 'exchange')} stay"
    if left := len(kept.stale) - len(gone):
        yield (
            f"  {_count(left, 'exchange')} of variants or repeats that [probes] does not declare stay: "
            "a marker judge_probes may ask them; --undeclared takes them out"
        )


def _lines(kept: Kept) -> int:
    return len(kept.contents.held) + len(kept.contents.superseded)


def _told(told: Sequence[Told]) -> Iterator[str]:
    return (f"  {name}: {why}" for name, why in told)


def _answered(models: Counter[tuple[str, str]]) -> list[str]:
    return [
        f"{by}: {count:,}" + (f", asked for {asked}" if by != asked else "")
        for (asked, by), count in sorted(models.items())
    ]


def stats(kept: Kept) -> Iterator[str]:
    """A cassette's figures."""
    total = figures_of(kept)
    yield f"{kept.shown}: {_count(total.exchanges, 'exchange')} of {_count(total.items, 'item')}"
    if total.exchanges:
        yield from _column("size", [_size(total)])
        yield from _column("answered", _answered(total.models))
        yield from _column("problems", [_problems(total, kept)])
        yield from _column("tokens", [_tokens(total)])
        yield from _column("cost", [_cost(total, kept)])
        yield from _column("asked", [_days(total)])
        yield from _column("latency", [_latency(total)])
    yield from _column("damaged", kept.contents.damaged)
    yield from _column("judge", kept.unbuilt.splitlines())


def _size(total: Figures) -> str:
    each, text = total.size / total.exchanges, total.text / total.exchanges
    return f"{_bytes(total.size)}: {each:,.0f} an exchange, {text:,.0f} of them the reply's own text"


def _problems(total: Figures, kept: Kept) -> str:
    if kept.run is None:
        return "unknown, since the judge can't be built"
    counts = ", ".join(f"{count:,} {problem}" for problem, count in sorted(total.problems.items()))
    gone = total.exchanges - total.parsed
    unread = f"; {gone:,} not read: their items are gone, or they are no chat completion" if gone else ""
    return (counts or "none") + unread


def _tokens(total: Figures) -> str:
    if not total.counted:
        return "none counted"
    sent, given = total.tokens
    return f"{sent:,} in, {given:,} out" + _of(total.counted, total)


def _cost(total: Figures, kept: Kept) -> str:
    if kept.run is None:
        return "unknown, since the judge can't be built"
    if not total.priced:
        return "unknown: the judge's settings have no prices, or no tokens were counted"
    return f"{total.cost:.4g}" + _of(total.priced, total)


def _days(total: Figures) -> str:
    if not total.days:
        return "no dates kept"
    span = total.days[0] if total.days[0] == total.days[-1] else f"{total.days[0]} to {total.days[-1]}"
    return span + _of(len(total.days), total)


def _latency(total: Figures) -> str:
    if not total.seconds:
        return "none kept"
    if len(total.seconds) == 1:
        return f"{total.seconds[0]:.2f} s" + _of(1, total)
    half, most, longest = total.quantile(0.5), total.quantile(0.9), total.seconds[-1]
    told = f"median {half:.2f} s, 90 % within {most:.2f} s, longest {longest:.2f} s"
    return told + _of(len(total.seconds), total)


def _of(known: int, total: Figures) -> str:
    return "" if known == total.exchanges else f" (of {known:,} of {_count(total.exchanges, 'exchange')})"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"


def _bytes(number: int) -> str:
    return _count(number, "byte")


def _column(title: str, entries: Sequence[str]) -> Iterator[str]:
    for entry in entries:
        yield f"  {title:<8}  {entry}"
        title = ""


def imported(brought: Brought, path: Path) -> Iterator[str]:
    """What became of the interactions of vcrpy cassettes."""
    already = f", {brought.there:,} already there" if brought.there else ""
    yield f"{shown(path)}: {_count(brought.imported, 'exchange')} imported{already}"
    left = [f"{_count(count, 'interaction')}: {what}" for count, what in _left_out(brought) if count]
    yield from _column("left out", left)
    for lines in brought.nearest:
        yield f"    {lines[0]}"
        yield from (f"      {line}" for line in lines[1:])
    yield from _column("refused", [line for told in brought.refused for line in told.splitlines()])
    if brought.unanswered:
        first, more = brought.unanswered[:_FIRST], len(brought.unanswered) - _FIRST
        names = ", ".join(first) + (f" and {more:,} more" if more > 0 else "")
        yield from _column(
            "missing", [f"{_count(len(brought.unanswered), 'question')} without a reply: {names}"]
        )


def _left_out(brought: Brought) -> list[tuple[int, str]]:
    return [
        (brought.foreign, "no chat request"),
        (brought.streams, "streamed (text/event-stream), where a cassette holds whole replies"),
        (brought.retried, "a status that is asked again (408, 409, 429, 5xx)"),
        (brought.failed, "no chat completion in the answer"),
        (brought.surplus, "a repeat beyond those that the benchmark asks for"),
        (brought.unmatched, "an answer to no question that the benchmark asks"),
    ]
