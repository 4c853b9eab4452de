"""The figures beside what they are to reach, and the tables they come from, as Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Told = Mapping[str, Any]
Cells = Mapping[tuple[int, int], Told]
"""What was told of each number of calls and size of pictures."""

Row = tuple[str, int, int, Told]
"""A cassette's title, number of calls and size of pictures, and what was told of them."""

WIRE, FLAT, FAST = 1.25, 0.20, 20.0
BYTES, FURTHER = 300, 70
LOAD, MEMORY = 100, 60
SOUND, FAULTY = 1.25, 2.0


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A figure, what it is to reach ('' for one that is only stated), what was measured."""

    title: str
    reach: str
    measured: str
    met: bool | None

    def line(self) -> str:
        """Its row."""
        met = {True: "yes", False: "**no**", None: ""}[self.met]
        return f"| {self.title} | {self.reach} | {self.measured} | {met} |"


def median(told: Told, of: str) -> float:
    """The median of a cell's times."""
    times: list[float] = told[of]
    return statistics.median(times)


def ratio(told: Told, kind: str, to: str = "floor") -> float:
    """The median over blocks of the time of one kind by another's in the same block."""
    ours: list[float] = told[kind]
    floors: list[float] = told[to]
    return statistics.median(one / under for one, under in zip(ours, floors, strict=True))


def speedup(told: Told) -> float:
    """How many times the fast path is under the floor: the median over blocks."""
    ours: list[float] = told["fast"]
    floors: list[float] = told["floor"]
    return statistics.median(over / one for one, over in zip(ours, floors, strict=True))


def _range(values: Sequence[float], form: str) -> str:
    low, high = format(min(values), form), format(max(values), form)
    return low if low == high else f"{low} to {high}"


def _short(value: float) -> str:
    """Two digits behind the point, none from a hundred on."""
    return f"{value:.2f}" if value < 100 else f"{value:,.0f}"


def _spread(values: Sequence[float]) -> float:
    """By how much the largest is above the smallest, as a share of it."""
    return max(values) / min(values) - 1


def size_name(size: int) -> str:
    """A picture's size as it is written."""
    return f"{size // 1000} KB"


def replayed(cells: Cells) -> Iterator[Figure]:
    """What both paths reach, at the smallest pictures."""
    small = min(size for _, size in cells)
    told = {number: cell for (number, size), cell in cells.items() if size == small}
    numbers = f"{size_name(small)}, N = {', '.join(f'{number:,}' for number in told)}"
    ratios = [ratio(cell, "wire") for cell in told.values()]
    yield Figure(
        title=f"wire path per call, {numbers}",
        reach=f"at most {WIRE} × the SDK's floor",
        measured=f"{_range(ratios, '.2f')} ×",
        met=max(ratios) <= WIRE,
    )
    for size in sorted({size for _, size in cells}):
        alike = [cell for (_, other), cell in cells.items() if other == size]
        spread = _spread([median(cell, "wire") for cell in alike])
        beside = _spread([ratio(cell, "wire") for cell in alike])
        yield Figure(
            title=f"wire path, slowest N beside the quickest, {size_name(size)}",
            reach=f"within {FLAT:.0%}",
            measured=f"{spread:.0%} ({beside:.0%} where each is taken by its own floor)",
            met=spread <= FLAT,
        )
    under = [speedup(cell) for cell in told.values()]
    yield Figure(
        title=f"fast path, item to verdict, warm file digests, {numbers}",
        reach=f"at least {FAST:.0f} × under that floor",
        measured=f"{_range(under, '.1f')} ×",
        met=min(under) >= FAST,
    )
    cold = [median(cell, "cold") * 1000 for cell in told.values()]
    times = [median(cell, "fast") * 1000 for cell in told.values()]
    yield Figure(
        title="the same with cold digests: each call reads its picture's file",
        reach="",
        measured=f"{_range(cold, '.0f')} µs (warm: {_range(times, '.0f')} µs)",
        met=None,
    )


def weighed(told: Mapping[tuple[int, int], Told]) -> Iterator[Figure]:
    """Bytes by number of pictures in an item, and their size."""
    counts, sizes = sorted({count for count, _ in told}), sorted({size for _, size in told})
    names = " and ".join(map(size_name, sizes))
    one = [told[counts[0], size]["beyond"] for size in sizes]
    yield Figure(
        title=f"cassette bytes per call beyond the reply's own text, a picture of {names}",
        reach=f"under {BYTES}",
        measured=_range(one, ".0f"),
        met=max(one) < BYTES,
    )
    steps = counts[-1] - counts[0]
    more = [(told[counts[-1], size]["beyond"] - told[counts[0], size]["beyond"]) / steps for size in sizes]
    yield Figure(
        title=f"and for each further picture, of {counts[-1]}",
        reach=f"under {FURTHER}",
        measured=_range(more, ".0f"),
        met=max(more) < FURTHER,
    )


def loaded(told: Told, number: int) -> Figure:
    """The load until the first replay."""
    fast, wire = median(told, "fast"), median(told, "wire")
    return Figure(
        title=f"load of {number:,} exchanges until the first replay",
        reach=f"under {LOAD} ms",
        measured=f"{fast:.0f} ms (wire path, which makes its client: {wire:.0f} ms)",
        met=fast < LOAD,
    )


def remembered(ours: Sequence[float], plain: Sequence[float], number: int) -> Figure:
    """Peak memory of rounds, in MB, beside that of plain cases in the same round."""
    more = statistics.median(one - other for one, other in zip(ours, plain, strict=True))
    return Figure(
        title=f"peak memory above {number:,} plain cases, {number:,} exchanges, fast path, no gates",
        reach=f"under {MEMORY} MB",
        measured=f"{more:.0f} MB ({statistics.median(ours):.0f} and {statistics.median(plain):.0f} MB)",
        met=more < MEMORY,
    )


def recorded(told: Told, ideal: float, what: str) -> Figure:
    """A recording from a server without faults."""
    times = told["seconds"] / ideal
    return Figure(
        title=f"recording {what}",
        reach=f"within {SOUND} × of the ideal {ideal:.1f} s",
        measured=f"{told['seconds']:.1f} s, {times:.2f} ×{_kept(told)}",
        met=times <= SOUND and whole(told),
    )


def mended(told: Told, ideal: float, faults: str) -> Figure:
    """A recording from a server with faults."""
    times = told["seconds"] / ideal
    return Figure(
        title=f"the same with {faults}",
        reach=f"each question once, none lost, within {FAULTY:.0f} ×",
        measured=f"{told['seconds']:.1f} s, {times:.2f} ×{_kept(told)}",
        met=times <= FAULTY and whole(told),
    )


def whole(told: Told) -> bool:
    """Whether each question stands in the cassette once, none was asked twice, and all replay right."""
    counts = (told["exchanges"], told["questions"], told["right"], told["server"]["answered"])
    return set(counts) == {told["items"]} and not told["server"]["twice"] and not told["problems"]


def _kept(told: Told) -> str:
    server = told["server"]
    failed = sum(times for what, times in server["fates"].items() if what != "ok")
    said = f"; {told['exchanges']:,} exchanges of {told['questions']:,} questions"
    said += f", {told['right']:,} replay right"
    said += f"; {server['requests']:,} requests, {failed} failed, {server['twice']} answered twice"
    return said + (f"; {told['problems']} problems: {told['reason']}" if told["problems"] else "")


def figures_table(figures: Sequence[Figure]) -> Iterator[str]:
    """All figures."""
    yield "| figure | reach | measured | met |"
    yield "|---|---|---|---|"
    yield from (figure.line() for figure in figures)


def replay_table(cells: Cells) -> Iterator[str]:
    """Both paths beside the floor."""
    yield (
        "| N | picture | floor, ms | and requests made, ms | wire, ms | × floor | × with requests made "
        "| fast, ms | floor ÷ fast | fast, cold digests, ms |"
    )
    yield "|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|"
    for (number, size), told in sorted(cells.items(), key=lambda cell: (cell[0][1], cell[0][0])):
        yield (
            f"| {number:,} | {size_name(size)} | {median(told, 'floor'):.2f} | {median(told, 'making'):.2f} "
            f"| {median(told, 'wire'):.2f} | {ratio(told, 'wire'):.2f} | {ratio(told, 'wire', 'making'):.2f} "
            f"| {median(told, 'fast'):.3f} | {speedup(told):.1f} "
            f"| {median(told, 'cold'):.3f} |"
        )


def peers_table(rows: Sequence[Row]) -> Iterator[str]:
    """What others take, and what ours does."""
    yield "| cassette | N | picture | ms per call | × floor | bytes per call | timed |"
    yield "|---|--:|--:|--:|--:|--:|---|"
    for title, number, size, told in rows:
        how = told["how"] + (f"; {number:,} do not load: `{told['fault']}`" if told.get("fault") else "")
        yield (
            f"| {title} | {told.get('number', number):,} | {size_name(size)} | {_short(told['ms'])} "
            f"| {_short(told['ms'] / median(told, 'floor'))} | {told['bytes']:,.0f} | {how} |"
        )
