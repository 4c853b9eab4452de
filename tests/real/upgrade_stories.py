"""Two upgrades of recorded judges: the tables of docs/upgrade-stories.md.

    python -m tests.real.upgrade_stories [--data FOLDER] [--write]

Makes the two benchmarks of the page from the logs beside this clone (../shared/data), or from those in
FOLDER, compares the judges as `pytest --judge=... --judge-baseline=...` does, and prints Markdown; `--write`
puts it into the page between its markers.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pytest_mllm_judge import Estimate, Judgements, Session, agreement
from pytest_mllm_judge.benchmarks.viescore import VIEScoreReader
from pytest_mllm_judge.metrics.checks import check_named
from pytest_mllm_judge.metrics.upgrade import Compared, Comparison, Upgrade, compare
from pytest_mllm_judge.statistics.planning import margin_for_items, spread_at_hand
from tests.real import test_viescore_correlations as protocol
from tests.real.real_judges import DATA, PROJECT, TASKS, filled, shown

PAGE = PROJECT / "docs" / "upgrade-stories.md"
BLIND, GEMINI, GPT4O = "gemini_first_run_no_images", "gemini-1.5-pro", "gpt4o"
LABELS = ("A", "B", "tie", "both_bad")
GENAI_BENCH = """
format = "mllm-judge/1"
name = "genai-bench"
reader = "genai-bench"
path = "items.jsonl"

[upgrade]
margin = { "pair.accuracy" = 0.05, "pair.kappa" = 0.05 }
slices = ["source"]
"""
ZERO, ONE = "gpt4o_0shot", "gpt4o_1shot"
VIESCORE = """
format = "mllm-judge/1"
name = "viescore"
items = "items.jsonl"

[score]
scale = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
criteria = ["SC", "PQ"]

[gates."follows the prompt as humans say"]
check = "score.spearman"
criterion = "SC"
by = "generator"
at_least = 0.40

[gates."sees quality as humans do"]
check = "score.spearman"
criterion = "PQ"
by = "generator"
at_least = 0.30

[upgrade]
margin = { "score.spearman" = 0.05 }
slices = ["source"]
"""
NOBODY = "no recorded judge was shown what this generator made"


def genai_bench(data: Path, folder: Path, *, tasks: Sequence[str] = TASKS) -> dict[str, dict[str, Any]]:
    """Make the benchmark of these tasks in the folder. Returns the judges' settings."""
    lines = (data / "genai_bench" / "items.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    chosen = [line for line in lines if json.loads(line)["task"] in tasks]
    _write(folder, GENAI_BENCH, chosen)
    return {
        judge: {
            "kind": "log",
            "path": str(data / "genai_bench" / f"verdicts_{judge}.jsonl.gz"),
            "columns": {"reply": "response"},
            "parser": "genai-bench",
        }
        for judge in (BLIND, GEMINI, GPT4O)
    }


def viescore(data: Path, folder: Path) -> dict[str, dict[str, Any]]:
    """Make the benchmark in the folder, items with the field `generator`. Returns the judges' settings."""
    lines = (data / "viescore" / "items.jsonl").read_text(encoding="utf-8").splitlines()
    _write(folder, VIESCORE, [_native(json.loads(line)) + "\n" for line in lines])
    return {
        judge: {
            "kind": "log",
            "path": str(data / "viescore" / f"verdicts_{judge}.jsonl.gz"),
            "columns": {"reply": ["score", "reasoning"], "criterion": "metric"},
            "parser": "viescore",
        }
        for judge in (ZERO, ONE)
    }


def _native(record: dict[str, Any]) -> str:
    """An item with its task and generator in one field: a generator may serve several tasks."""
    item = VIEScoreReader().item(record)
    fields = {**item.fields, "generator": f"{item.source}/{item.responses[0].author}"}
    skip = NOBODY if record["images_SC"] is None and record["images_PQ"] is None else None
    return item.model_copy(update={"fields": fields, "skip": skip}).to_json()


def _write(folder: Path, manifest: str, lines: Sequence[str]) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "benchmark.toml").write_text(manifest.lstrip(), encoding="utf-8")
    (folder / "items.jsonl").write_text("".join(lines), encoding="utf-8")


def settings(tables: dict[str, dict[str, Any]]) -> str:
    """The judges as a project's pyproject.toml declares them."""
    lines = []
    for name, table in tables.items():
        lines.append(f"[tool.pytest-mllm-judge.judges.{json.dumps(name)}]")
        lines += [f"{key} = {_toml(value)}" for key, value in table.items()]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(one)}" for key, one in value.items()) + " }"
    return json.dumps(value)


def upgrade(folder: Path, tables: dict[str, dict[str, Any]], candidate: str, baseline: str) -> Upgrade:
    """What a session with `--judge=candidate --judge-baseline=baseline` compares."""
    session = Session(root=folder, tables=tables)
    return session.upgrade(session.run(candidate, folder), session.run(baseline, folder))


def labels(folder: Path, tables: dict[str, dict[str, Any]], candidate: str, baseline: str) -> Upgrade:
    """The recall of each label, of all pairs and by task: a family of its own."""
    session = Session(root=folder, tables=tables)
    check = check_named("pair.recall")
    recalls = [
        Comparison(check=check, margin=0.05, confidence=0.95, options={"label": label}) for label in LABELS
    ]
    pairs = (session.run(judge, folder).pair for judge in (candidate, baseline))
    return compare(recalls, *pairs, slices=["source"])


def story_table(upgrade: Upgrade) -> Iterator[str]:
    """A line for each comparison."""
    yield "| compared | candidate | baseline | difference | could show | margin | outcome | regressed |"
    yield "|---|--:|--:|---|--:|--:|---|---|"
    for one in upgrade.compared:
        yield story_line(one)


def story_line(one: Compared) -> str:
    """A comparison's line: both figures, their difference, what such data can show, and what came of it."""
    estimates, difference = one.estimates, one.estimates.difference
    name = f"**{one.name}**" if one.decides else one.name
    cells = (
        name,
        number(estimates.candidate.value),
        number(estimates.baseline.value),
        shown(difference),
        number(could_show(one)),
        f"{one.comparison.margin:g}",
        str(one.outcome),
        f"yes (p {p_shown(one.p_holm)})" if one.regressed else "no",
    )
    return f"| {' | '.join(cells)} |"


def could_show(one: Compared) -> float | None:
    """The smallest margin that so much data shows with 80 % power, if two equal judges differ as these do."""
    interval = one.estimates.difference.counted
    spread = spread_at_hand(interval)
    return None if spread is None else margin_for_items(interval.n, spread)


def number(value: float | None) -> str:
    """A figure to three decimals; a dash where there is none."""
    return "-" if value is None else f"{value:z.3f}"


def p_shown(p: float) -> str:
    """A p value to two digits."""
    return "< 0.0001" if p < 0.0001 else f"{p:.2g}"


def label_table(upgrade: Upgrade) -> Iterator[str]:
    """The difference of each label's recall, overall and by task; bold where it regressed."""
    yield f"| label | all | {' | '.join(TASKS)} |"
    yield "|---|---|---|---|---|"
    cells = {
        (one.comparison.options["label"], one.slice and one.slice.value): one for one in upgrade.compared
    }
    for label in LABELS:
        row = [cells[label, where] for where in (None, *TASKS)]
        yield f"| {label} | {' | '.join(map(_cell, row))} |"


def _cell(one: Compared) -> str:
    text = shown(one.estimates.difference)
    return f"**{text}**" if one.regressed else text


def share_table(pairs: dict[str, Judgements]) -> Iterator[str]:
    """How often humans and each judge say each label, by task, in percent."""
    yield f"| task | who | {' | '.join(LABELS)} | problems |"
    yield "|---|---|" + "--:|" * (len(LABELS) + 1)
    for task in TASKS:
        parts = {name: some.where(source=task) for name, some in pairs.items()}
        humans = Counter(str(judgement.human) for judgement in next(iter(parts.values())))
        yield _shares(task, "humans", humans)
        for name, some in parts.items():
            yield _shares(task, name, Counter(str(judgement.verdict) for judgement in some))


def _shares(task: str, who: str, counts: Counter[str]) -> str:
    cells = [f"{100 * counts[label] / counts.total():.0f}" for label in (*LABELS, "None")]
    return f"| {task} | {who} | {' | '.join(cells)} |"


def point_table(scores: dict[str, Judgements], criterion: str) -> Iterator[str]:
    """How often each judge gives each point for a criterion, in percent."""
    points = next(iter(scores.values())).tasks.score.scale
    yield f"| judge | {' | '.join(f'{float(point):g}' for point in points)} |"
    yield "|---|" + "--:|" * len(points)
    for judge, some in scores.items():
        counts = Counter(one.answer(criterion) for one in some)
        cells = [f"{100 * counts[point] / len(some):.0f}" for point in points]
        yield f"| {judge} | {' | '.join(cells)} |"


def published(data: Path) -> Iterator[tuple[str, Estimate, Estimate]]:
    """What the candidate and the baseline reach by VIEScore's own protocol, of the items they were shown."""
    with tempfile.TemporaryDirectory() as folder:
        scores = protocol.scores_of(data, Path(folder), (ONE, ZERO))
    new, old = (scores[judge].filter(lambda one: one.problem != "not_asked") for judge in (ONE, ZERO))
    average = protocol.within_tasks(list(old.by("generator")))
    for criterion in ("SC", "PQ"):
        options: dict[str, Any] = {"criterion": criterion, "by": "generator", "average": average}
        yield criterion, agreement.spearman(new, **options), agreement.spearman(old, **options)


def published_table(data: Path) -> Iterator[str]:
    """The same as lines, and whether the candidate is not worse."""
    yield f"| criterion | {ONE} | {ZERO} | difference | at least -0.05 |"
    yield "|---|--:|--:|---|---|"
    for criterion, new, old in published(data):
        cells = (
            criterion,
            number(new.value),
            number(old.value),
            shown(new - old),
            (new - old >= -0.05).outcome,
        )
        yield f"| {' | '.join(cells)} |"


def genai_lines(data: Path) -> Iterator[tuple[str, list[str]]]:
    """The blocks about GenAI-Bench, by name."""
    yield "genai-bench manifest", ["```toml", *GENAI_BENCH.strip().splitlines(), "```"]
    with tempfile.TemporaryDirectory() as name:
        some, every = Path(name) / "some", Path(name) / "all"
        tables = genai_bench(data, some, tasks=TASKS[:2])
        yield "gemini without images", list(story_table(upgrade(some, tables, BLIND, GEMINI)))
        tables = genai_bench(data, every)
        yield "gemini itself", list(story_table(upgrade(every, tables, GEMINI, GEMINI)))
        yield "gpt4o for gemini", list(story_table(upgrade(every, tables, GPT4O, GEMINI)))
        yield "gpt4o labels", list(label_table(labels(every, tables, GPT4O, GEMINI)))
        session = Session(root=every, tables=tables)
        pairs = {judge: session.run(judge, every).pair for judge in (GEMINI, GPT4O)}
        yield "gpt4o shares", list(share_table(pairs))


def viescore_lines(data: Path) -> Iterator[tuple[str, list[str]]]:
    """The blocks about VIEScore, by name."""
    yield "viescore manifest", ["```toml", *VIESCORE.strip().splitlines(), "```"]
    with tempfile.TemporaryDirectory() as name:
        session = Session(root=Path(name), tables=viescore(data, Path(name)))
        new, old = (session.run(judge, Path(name)) for judge in (ONE, ZERO))
        yield "gpt4o with an example", list(story_table(session.upgrade(new, old)))
        yield "gpt4o points", list(point_table({ZERO: old.score, ONE: new.score}, "PQ"))
    yield "viescore published", list(published_table(data))


def main() -> None:
    """Print the tables, or write them."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--data", type=Path, default=DATA, metavar="FOLDER", help="where the logs are")
    parser.add_argument("--write", action="store_true", help="put the tables into docs/upgrade-stories.md")
    options = parser.parse_args()
    blocks = dict([*genai_lines(options.data), *viescore_lines(options.data)])
    if options.write:
        page = PAGE.read_text(encoding="utf-8")
        for name, lines in blocks.items():
            page = filled(page, name, iter(lines))
        PAGE.write_text(page, encoding="utf-8")
    for name, lines in blocks.items():
        print(name, *lines, "", sep="\n")


if __name__ == "__main__":
    main()
