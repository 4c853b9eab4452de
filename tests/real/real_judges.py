"""What recorded judges reach on three published benchmarks: the tables of docs/real-judges.md.

    python -m tests.real.real_judges [--data FOLDER] [--write]

Reads the logs beside this clone (../shared/data), or those in FOLDER, through the package's public functions,
and prints Markdown; `--write` puts it into docs/real-judges.md between its markers.
"""

from __future__ import annotations

import argparse
import html
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from pytest_mllm_judge import Estimate, Item, Judgements, Run, Session, agreement
from pytest_mllm_judge.reports.oddities import nearly_constant, no_picture_seen
from pytest_mllm_judge.runs.record import judged_of
from tests.real import position_bias_table
from tests.real import test_viescore_correlations as viescore

PROJECT = Path(__file__).resolve().parents[2]
DATA = PROJECT.parent / "shared" / "data"
PAGE = PROJECT / "docs" / "real-judges.md"
TASKS = ("image_generation", "image_edition", "video_generation")
LOST = "gemini_first_run_no_images"
"""A run that upstream replaced; it is no judge of the leaderboard."""
VIESCORE = (
    "gpt4o_0shot",
    "gpt4o_1shot",
    "gpt4v_0shot",
    "gemini_0shot",
    "gemini_1shot",
    "llava_0shot",
    "qwenvl_0shot",
)
CONFIDENCE = viescore.TWO_SIDED_95


@dataclass(frozen=True)
class Row:
    """One judge on one task of GenAI-Bench, and how far it is ahead of the next (None: it is the last)."""

    judge: str
    accuracy: Estimate
    kappa: Estimate
    ahead: Estimate | None

    @property
    def apart(self) -> str:
        """Whether the judge is told from the next: "yes" only if the lead is there without problems too."""
        if self.ahead is None:
            return ""
        if self.ahead.low is None or self.ahead.low < 0:
            return "no"
        both_answered = self.ahead.without is not None or not self.ahead.problems
        return "yes" if both_answered and (self.ahead >= 0).outcome == "holds" else "by problems"


def same_prompt(item: Item) -> str:
    """The cluster of a pair: many pairs are pictures of one prompt, or edits of one picture."""
    return f"{item.source}/{item.instruction}"


def genai_session(data: Path, folder: Path) -> Session:
    """A session with a log judge for each recorded one, read as published; the benchmark is in `folder`."""
    items = data / "genai_bench" / "items.jsonl"
    manifest = f'format = "mllm-judge/1"\nreader = "genai-bench"\npath = "{items}"\n'
    (folder / "benchmark.toml").write_text(manifest, encoding="utf-8")
    logs = {
        path.name.removeprefix("verdicts_").removesuffix(".jsonl.gz"): {
            "kind": "log",
            "path": str(path),
            "columns": {"reply": "response"},
            "parser": "genai-bench",
        }
        for path in sorted(items.parent.glob("verdicts_*.jsonl.gz"))
    }
    return Session(root=folder, tables=logs)


def genai_bench(data: Path, folder: Path, judges: Sequence[str] = ()) -> dict[str, Judgements]:
    """The judgements of these judges, by default of all, clustered by prompt."""
    session = genai_session(data, folder)
    pairs = {name: session.run(name, folder).pair for name in judges or session.tables.keys() - {LOST}}
    return {name: Judgements(pair, cluster_of=same_prompt, tasks=pair.tasks) for name, pair in pairs.items()}


def task_rows(pairs: dict[str, Judgements]) -> list[Row]:
    """Judges on one task, best first."""
    found = {name: agreement.accuracy(pair, confidence=CONFIDENCE) for name, pair in pairs.items()}
    order = sorted(found, key=lambda name: (-(found[name].value or 0), name))
    ahead = [found[first] - found[second] for first, second in pairwise(order)]
    return [
        Row(name, found[name], agreement.kappa(pairs[name], confidence=CONFIDENCE), change)
        for name, change in zip(order, [*ahead, None], strict=True)
    ]


def task_table(rows: Sequence[Row]) -> Iterator[str]:
    """The Markdown table of one task's judges."""
    yield "| judge | accuracy | 95 % interval | problems | kappa | ahead of the next | told apart |"
    yield "|---|--:|---|--:|---|---|---|"
    for row in rows:
        yield line(row)


def line(row: Row) -> str:
    """A judge's line."""
    ahead = "" if row.ahead is None else shown(row.ahead)
    cells = (
        row.judge,
        f"{row.accuracy.value:.4f}",
        f"{row.accuracy.low:.3f} to {row.accuracy.high:.3f}",
        f"{sum(row.accuracy.problems.values())}",
        shown(row.kappa),
        ahead,
        row.apart,
    )
    return f"| {' | '.join(cells)} |"


def shown(estimate: Estimate) -> str:
    """`0.485 (0.455 to 0.515)`."""
    if estimate.low is None or estimate.high is None:
        return f"{estimate.value:z.3f} (no interval)"
    return f"{estimate.value:z.3f} ({estimate.low:z.3f} to {estimate.high:z.3f})"


def caption(rows: Sequence[Row]) -> str:
    """What a task's figures rest on, and what to read them against."""
    first = rows[0].accuracy
    constant = next(each for each in first.beside if each.name == "constant")
    answering = [row for row in rows if row.accuracy.value]
    same = [f"{row.judge} from {below.judge}" for row, below in pairwise(answering) if row.apart == "no"]
    return (
        f"{first.n:,} pairs in {first.clusters:,} clusters; {constant.about} of the pairs, would reach "
        f"{constant.value:.4f}. Of the judges with a right answer, these can't be told from the next: "
        f"{', '.join(same)}."
    )


def genai_lines(data: Path, judges: Sequence[str] = ()) -> Iterator[str]:
    """All of GenAI-Bench's tables."""
    with tempfile.TemporaryDirectory() as folder:
        pairs = genai_bench(data, Path(folder), judges)
    for task in TASKS:
        rows = task_rows({name: pair.where(source=task) for name, pair in pairs.items()})
        yield from (f"### {task}", "", caption(rows), "", *task_table(rows), "")


def viescore_line(name: str, score: Judgements) -> str:
    """A judge's line: its correlations, one rater's with the other two on the same items, and problems."""
    asked = score.filter(lambda judgement: judgement.problem != "not_asked")
    both = asked.filter(viescore.has_both)
    figures = [shown(viescore.correlation(both, reading)) for reading in viescore.READINGS]
    rater = shown(viescore.correlation(agreement.humans(both), "O"))
    counted = shown(viescore.correlation(asked, "O"))
    cells = (name, f"{len(both):,}", *figures, rater, f"{len(asked) - len(both)}", counted)
    return f"| {' | '.join(cells)} |"


def viescore_lines(data: Path, judges: Sequence[str] = VIESCORE) -> Iterator[str]:
    """VIEScore's table, the raters' line last."""
    with tempfile.TemporaryDirectory() as folder:
        scores = viescore.scores_of(data, Path(folder), judges)
    yield "| judge | items | SC | PQ | O | O of one rater | problems | O, problems counted |"
    yield "|---|--:|---|---|---|---|--:|---|"
    for name, score in scores.items():
        yield viescore_line(name, score)
    raters = agreement.humans(scores[judges[0]].filter(viescore.has_both))
    figures = [shown(viescore.correlation(raters, reading)) for reading in viescore.READINGS]
    yield f"| one rater | {len(raters) // 3:,} | {' | '.join(figures)} | {figures[-1]} | 0 | {figures[-1]} |"


def odd_line(run: Run) -> str:
    """What a plain run says of a judge whatever its figures; '' if nothing."""
    judged = [judged_of(judgement, run) for judgement in run.pair]
    told = [html.escape(text, quote=False) for text in (*nearly_constant(judged), *no_picture_seen(judged))]
    return f"| {run.judge.name} | {'<br>'.join(told)} |" if told else ""


def odd_lines(data: Path, judges: Sequence[str] = ()) -> Iterator[str]:
    """What a plain run says of GenAI-Bench's judges, upstream's lost run among them."""
    yield "| judge | what a plain run says |"
    yield "|---|---|"
    with tempfile.TemporaryDirectory() as folder:
        session = genai_session(data, Path(folder))
        for name in sorted(judges or session.tables):
            if told := odd_line(session.run(name, Path(folder))):
                yield told


def filled(text: str, name: str, lines: Iterator[str]) -> str:
    """The page with the lines between the markers of that name."""
    begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->\n"
    head, begun, rest = text.partition(begin)
    _, ended, tail = rest.partition(end)
    if not (begun and ended):
        raise SystemExit(f"{PAGE} lacks the lines {begin.strip()} and {end.strip()}")
    return head + begin + "\n".join(lines).rstrip("\n") + "\n" + end + tail


BLOCKS: Mapping[str, Callable[[Path], Iterator[str]]] = {
    "genai-bench": genai_lines,
    "odd": odd_lines,
    "viescore": viescore_lines,
    "position": lambda data: position_bias_table.table(data / "position_bias_analyzer"),
}
"""What stands between the page's markers of each name."""


def main() -> None:
    """Print the tables, or write them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, default=DATA, metavar="FOLDER", help="where the logs are")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/real-judges.md")
    options = parser.parse_args()
    page = PAGE.read_text(encoding="utf-8")
    for name, make in BLOCKS.items():
        made = list(make(options.data))
        print("\n".join(made))
        page = filled(page, name, iter(made))
    if options.write:
        PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
