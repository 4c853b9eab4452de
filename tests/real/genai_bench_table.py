"""GenAI-Bench's recorded replies, read as published and read strictly, side by side.

    python tests/real/genai_bench_table.py

prints, for each judge, the accuracies (in percent) of image generation, image edition and video generation by
both readings, and every reply that they read differently, counted by cause.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pytest_mllm_judge.judging.parsers import parser_named
from pytest_mllm_judge.model import Item, PairTask, Parsed, Reply, Response, Tasks

PARTS = ("image_generation", "image_edition", "video_generation")
TASKS = Tasks(pair=PairTask(labels=("A", "B", "tie", "both_bad")))
HUMAN = {"leftvote": "A", "rightvote": "B", "tievote": "tie", "bothbad_vote": "both_bad"}


@dataclass
class Row:
    """One judge: right answers by part and reading, items by part, problems, and differences by cause."""

    judge: str
    items: Counter[str] = field(default_factory=Counter)
    published: Counter[str] = field(default_factory=Counter)
    strict: Counter[str] = field(default_factory=Counter)
    problems: Counter[str] = field(default_factory=Counter)
    causes: Counter[str] = field(default_factory=Counter)

    def percent(self, right: Counter[str]) -> dict[str, float]:
        """Accuracy by part in percent, to two decimals."""
        return {part: round(100 * right[part] / self.items[part], 2) for part in PARTS if self.items[part]}


def items(folder: Path) -> dict[str, Item]:
    """The pairs with the humans' votes; there are no pictures, only names for them."""
    found = {}
    for line in (folder / "items.jsonl").read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        found[record["item"]] = Item(
            id=record["item"],
            task="pair",
            responses=tuple(Response(images=(f"{record['item']}/{side}.jpg",)) for side in ("left", "right")),
            human=(HUMAN[record["human_vote"]],),
            source=record["task"],
        )
    return found


def replies(file: Path) -> Iterator[tuple[str, Reply]]:
    """Item and reply of each row. Upstream's own parse of the reply is not read."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            yield record["item"], Reply(text=record["response"])


def rows(folder: Path) -> Iterator[Row]:
    """Every judge's row, in the order of the files' names."""
    published, strict = parser_named("genai-bench", folder), parser_named("genai-bench-strict", folder)
    pairs = items(folder)
    for file in sorted(folder.glob("verdicts_*.jsonl.gz")):
        row = Row(file.name.removeprefix("verdicts_").removesuffix(".jsonl.gz"))
        for name, reply in replies(file):
            item = pairs[name]
            _count(row, item, reply, published(item, reply, TASKS), strict(item, reply, TASKS))
        yield row


def _count(row: Row, item: Item, reply: Reply, published: Parsed, strict: Parsed) -> None:
    part, human = str(item.source), item.labels()[0]
    row.items[part] += 1
    row.published[part] += published.verdict == human
    row.strict[part] += strict.verdict == human
    row.problems[strict.problem or "none"] += 1
    if published.verdict != strict.verdict:
        row.causes[cause(reply.text or "", published, strict)] += 1


def cause(text: str, published: Parsed, strict: Parsed) -> str:
    """Why the two readings of a reply differ; empty where no cause is known."""
    first = str(published.fields.get("choice", ""))
    if published.verdict is not None and strict.verdict is None:
        if strict.problem == "refused":
            return "declines, and repeats the choices; upstream takes the first line's"
        if "states both" in strict.reason:
            return "states several choices; upstream takes the first line's"
        return "[[A=B]] leaves the kind of tie open" if re.search(r"\[\[\s*A\s*=\s*B\s*\]\]", text) else ""
    if published.verdict is None and strict.verdict is not None:
        return _gained(first)
    return ""


def _gained(first: str) -> str:
    if not first:
        return "the choice alone, without brackets"
    if first.count("]]") > 1 or first.count("[[") > 1:
        return "several brackets on one line that agree, or one choice among them"
    if re.search(r"\s", first):
        return "spaces inside the brackets"
    return "other brackets stand on an earlier line"


def show(row: Row) -> str:
    """A row as text."""
    published, strict = row.percent(row.published), row.percent(row.strict)
    cells = "  ".join(
        f"{published[part]:6.2f} {strict[part]:6.2f}" if part in published else " " * 13 for part in PARTS
    )
    problems = ", ".join(f"{count} {name}" for name, count in sorted(row.problems.items()) if name != "none")
    causes = "".join(f"\n    {count:5d}  {why or 'UNEXPLAINED'}" for why, count in row.causes.most_common())
    return f"{row.judge:28s}{cells}   {problems or 'no problems'}{causes}"


def main() -> None:
    """Print the table for the data set beside the project."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[3] / "shared/data/genai_bench"
    print(f"{'published reading, strict':28s}" + "  ".join(f"{part:>13s}"[:13] for part in PARTS))
    for row in rows(folder):
        print(show(row))


if __name__ == "__main__":
    main()
