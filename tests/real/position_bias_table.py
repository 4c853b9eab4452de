"""Position-Bias-Analyzer's recorded judges (Shi et al. 2024, arXiv 2406.07791) as a benchmark of ours.

    python tests/real/position_bias_table.py

prints for each judge of DevBench and MTBench how often both orders, and how often two of three repeats, give
the same verdict, and the gap between the first slot and the second. Each pair was judged in both orders,
three times; nobody labelled it.
"""

from __future__ import annotations

import gzip
import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pytest_mllm_judge import Estimate, Run, Session, bias, consistency
from pytest_mllm_judge.probes import SWAPPED, turned

BENCHES = ("DevBench", "MTBench")
SAID = {"DevBench": r"Choice: ([ABCD])", "MTBench": r"\[\[([ABCD])\]\]"}
"""How each benchmark asks for the verdict; upstream takes the first match, and so do we."""
PARSER = """
import re
from pytest_mllm_judge.model import Parsed


def read(item, reply, tasks):
    found = re.search({pattern!r}, reply.text or "")
    return Parsed(verdict=found[1]) if found else Parsed(problem="malformed", reason="no choice")
"""
MANIFEST = """format = "mllm-judge/1"
name = "{bench}"
items = "items.jsonl"
[pair]
labels = ["A", "B", "C", "D"]
[probes]
position = true
repeat = 3
"""


def lines(file: Path) -> Iterator[dict[str, Any]]:
    """The records of a JSON Lines file, gzipped or not."""
    with (
        gzip.open(file, "rt", encoding="utf-8")
        if file.suffix == ".gz"
        else file.open(encoding="utf-8") as text
    ):
        yield from map(json.loads, text)


def items(folder: Path, bench: str) -> list[dict[str, Any]]:
    """Each pair once, in the order that its file has first; a question's pairs are a cluster."""
    texts = {record["id"]: record["text"] for record in lines(folder / "texts.jsonl.gz")}
    found: dict[str, dict[str, Any]] = {}
    for record in lines(folder / f"{bench}_items.jsonl"):
        if swapped_name(record["cmp_index"]) in found:
            continue
        sides = (("model_A", "answer1"), ("model_B", "answer2"))
        found[record["cmp_index"]] = {
            "id": record["cmp_index"],
            "task": "pair",
            "instruction": _text(record, "question", texts),
            "responses": [
                {"text": _text(record, answer, texts), "author": record[author]} for author, answer in sides
            ],
            "cluster": record["cmp_index"].partition(";")[0],
            "source": record["task"],
        }
    return list(found.values())


def _text(record: dict[str, Any], key: str, texts: dict[str, str]) -> str:
    """The text under a key; of two turns, one below the other."""
    turns = [key] if key in record else [f"{key}_1", f"{key}_2"]
    return "\n\n".join(texts[record[turn]] for turn in turns)


def swapped_name(name: str) -> str:
    """What upstream calls the same pair in the other order: `question;B;A` for `question;A;B`."""
    question, first, second = name.split(";")
    return f"{question};{second};{first}"


def log(folder: Path, bench: str, judge: str) -> Iterator[dict[str, Any]]:
    """The rows of a verdict log: what a judge replied to each pair as it is, and swapped."""
    plain = {item["id"] for item in items(folder, bench)}
    for record in lines(folder / f"{bench}_verdicts_{judge}.jsonl.gz"):
        name = record["cmp_index"]
        variant = {} if name in plain else {"variant": SWAPPED}
        own = name if name in plain else swapped_name(name)
        yield {"item": own, **variant, "repeat": record["repetition"] - 1, "reply": record["output"]}


def write(place: Path, folder: Path, bench: str, judges: dict[str, str], *, rest: str = "") -> Path:
    """A project with the benchmark in `bench`, and a judge of each name from upstream's log; its folder."""
    (place / "bench").mkdir(parents=True)
    (place / "bench" / "benchmark.toml").write_text(MANIFEST.format(bench=bench) + rest, encoding="utf-8")
    _write_lines(place / "bench" / "items.jsonl", items(folder, bench))
    (place / "said.py").write_text(PARSER.format(pattern=SAID[bench]), encoding="utf-8")
    tables = []
    for name, upstream in judges.items():
        _write_lines(place / f"{name}.jsonl", log(folder, bench, upstream))
        tables.append(
            f'[tool.pytest-mllm-judge.judges."{name}"]\nkind = "log"\npath = "{name}.jsonl"\n'
            'parser = "said.py:read"\n'
        )
    (place / "pyproject.toml").write_text("\n".join(tables), encoding="utf-8")
    return place


def _write_lines(file: Path, records: Iterator[dict[str, Any]] | list[dict[str, Any]]) -> None:
    file.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")


def judges_of(folder: Path, bench: str) -> list[str]:
    """Upstream's judges of a benchmark, by name."""
    start, end = f"{bench}_verdicts_", ".jsonl.gz"
    return sorted(file.name.removeprefix(start).removesuffix(end) for file in folder.glob(f"{start}*{end}"))


def runs(place: Path, folder: Path, bench: str) -> dict[str, Run]:
    """Every judge's run on a benchmark, which is written to `place`."""
    names = judges_of(folder, bench)
    root = write(place, folder, bench, {name: name for name in names})
    session = Session(root=root)
    return {name: session.run(name, root / "bench") for name in names}


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One repetition of a judge on a benchmark, numbered from 1.

    `published` is upstream's count of consistent verdicts and of readable ones, `recounted` the same by its
    own rule from the replies: a verdict counts unless its twin in the other order is readable and names the
    other answer. `alike` counts the pairs that name the same answer in both orders, of all `pairs`.
    """

    bench: str
    judge: str
    repetition: int
    published: tuple[int, int]
    recounted: tuple[int, int]
    alike: int
    pairs: int

    @property
    def is_raised(self) -> bool:
        """Whether verdicts without a readable twin raise the published count."""
        return self.published[0] > 2 * self.alike


def cells(data: Path, bench: str, judged: dict[str, Run]) -> Iterator[Cell]:
    """Every count of a benchmark's consistent verdicts that upstream logged, and what the replies come to."""
    for logged in lines(data / "published_logs.jsonl"):
        if logged["bench"] != bench:
            continue
        said: dict[str, dict[str, Any]] = {}
        for one in judged[logged["judge"]].pair:
            if one.repeat == logged["repetition"] - 1:
                said.setdefault(one.item.id, {})[one.variant] = one.verdict
        yield Cell(
            bench=bench,
            judge=logged["judge"],
            repetition=logged["repetition"],
            published=(logged["consistent"], logged["total"]),
            recounted=_by_their_rule(list(said.values())),
            alike=sum(_contradicts(both) is False for both in said.values()),
            pairs=len(said),
        )


def _by_their_rule(said: list[dict[str, Any]]) -> tuple[int, int]:
    readable = sum(verdict is not None for both in said for verdict in both.values())
    return readable - 2 * sum(_contradicts(both) is True for both in said), readable


def _contradicts(both: dict[str, Any]) -> bool | None:
    """Whether the two orders' verdicts name different answers; None if one of them can't be read."""
    plain, swapped = both[""], both[SWAPPED]
    return None if plain is None or swapped is None else turned(swapped) != plain


def table(data: Path) -> Iterator[str]:
    """The Markdown table of all nine judges on both benchmarks."""
    yield "| judge | published | in both orders | over three repeats | gap between slots | problems |"
    yield "|---|---|---|---|---|--:|"
    for bench in BENCHES:
        with tempfile.TemporaryDirectory() as place:
            found = runs(Path(place) / "project", data, bench)
            counted = list(cells(data, bench, found))
            for name, run in found.items():
                yield row(bench, name, run, [each for each in counted if each.judge == name])


def row(bench: str, judge: str, run: Run, counted: list[Cell]) -> str:
    """A judge's line: counts of each repetition, shares and gaps with their 95 % intervals."""
    orders, gap = (figure(run.pair, confidence=0.975) for figure in (consistency.orders, bias.position))
    texts = (
        f"{judge} on {bench}",
        ", ".join(f"{each.published[0]}/{each.published[1]}" for each in counted),
        ", ".join(f"{each.alike}/{each.pairs}" for each in counted),
        _wide(orders),
        _wide(gap),
        f"{sum(judgement.verdict is None for judgement in run.pair)} of {len(run.pair)}",
    )
    return f"| {' | '.join(texts)} |"


def _wide(estimate: Estimate) -> str:
    return f"{estimate.value:.3f} ({estimate.low:.3f} to {estimate.high:.3f})"


def cell(estimate: Estimate) -> str:
    """`0.602 (0.49 to 0.70)`."""
    return f"{estimate.value:.3f} ({estimate.low:.2f} to {estimate.high:.2f})"


def main() -> None:
    """Print the table for the data set beside the project."""
    shared = Path(__file__).parents[3] / "shared" / "data" / "position_bias_analyzer"
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else shared
    print(f"{'':10}{'judge':26}{'both orders alike':24}{'repeats alike':24}{'gap between slots':26}problems")
    for bench in BENCHES:
        with tempfile.TemporaryDirectory() as place:
            for name, run in runs(Path(place) / "project", folder, bench).items():
                orders, repeats = consistency.orders(run.pair), consistency.repeats(run.pair)
                gap = bias.position(run.pair)
                lost = sum(judgement.verdict is None for judgement in run.pair)
                cells = f"{cell(orders):24}{cell(repeats):24}{cell(gap):26}"
                print(f"{bench:10}{name:26}{cells}{lost} of {len(run.pair)}")


if __name__ == "__main__":
    main()
