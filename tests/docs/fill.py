"""Fill the tables and figures of README and docs from the code: `python -m tests.docs.fill --write`.

A marker stands above the block that it fills: `<!-- table: checks -->`, `<!-- list: presets -->`,
`<!-- output: main job -->`, `<!-- sheet: pair.kappa, score.kappa -->`. `<!-- printed -->` below a block of
Python stands above what it prints.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from pytest_mllm_judge.judging.registry import presets
from pytest_mllm_judge.metrics import CHECKS
from pytest_mllm_judge.metrics.upgrade import PROPERTIES
from tests.docs import approvals, reports
from tests.docs.printed import with_printed
from tests.docs.sheets import section_anchor, sheet
from tests.statistics.golden import TABLE

PROJECT = Path(__file__).parents[2]


def checks() -> str:
    """The table of checks."""
    rows = ["| check | figure | takes |", "|---|---|---|"]
    for name, check in sorted(CHECKS.items()):
        takes = ", ".join(f"`{option}`" for option in sorted(check.options)) or "-"
        rows.append(f"| [`{name}`](statistics.md#{section_anchor(name)}) | {check.about} | {takes} |")
    return "\n".join(rows)


WORSE = {
    "lower": "less",
    "higher": "more",
    "away from zero": "farther from 0, to either side",
    "changed": "any change",
}


def properties() -> str:
    """What judges are compared by besides agreement."""
    rows = ["| property | what is worse | margin |", "|---|---|---|"]
    for name in PROPERTIES:
        check = CHECKS[name]
        lower = name.startswith(("consistency.", "grounding."))
        worse = WORSE[check.worse or ("lower" if lower else "higher")]
        margin = "yours to say" if check.margin is None else f"{check.margin:g}"
        rows.append(f"| [`{name}`](statistics.md#{section_anchor(name)}) | {worse} | {margin} |")
    return "\n".join(rows)


def preset_list() -> str:
    """The presets with what they ask."""
    rows = ["| preset | asks | at | key |", "|---|---|---|---|"]
    for name, table in presets().items():
        where = table.get("base_url", "the SDK's default" if table["kind"] == "openai" else "here")
        key = f"`{table['api_key_env']}`" if table.get("api_key_env") else "-"
        rows.append(f"| `{name}` | {table.get('model', '-')} | {where} | {key} |")
    return "\n".join(rows)


def main_job() -> str:
    """The end of the main job's output: the summary, without the time it took."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, "--judge=reference", "fixtures/shapes"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = done.stdout.splitlines()
    start = next(place for place, line in enumerate(lines) if "judge reference on shapes" in line)
    ending = re.sub(r" in \d.*", "", lines[-1])
    return "\n".join(["```text", lines[start].strip("= "), *lines[start + 1 : -1], ending, "```"])


def golden() -> str:
    """The table that most reference values are of."""
    points = range(1, len(TABLE) + 1)
    rows = [f"| T | {' | '.join(map(str, points))} |", "|---|" + "--:|" * len(TABLE)]
    rows += [
        f"| {point} | {' | '.join(map(str, counts))} |" for point, counts in zip(points, TABLE, strict=True)
    ]
    return "\n".join(rows)


BLOCKS: dict[str, Callable[[], str]] = {
    "table: checks": checks,
    "table: properties": properties,
    "table: golden": golden,
    "list: presets": preset_list,
    "output: main job": main_job,
    **approvals.BLOCKS,
    **reports.BLOCKS,
}


SHEET = re.compile(r"^(<!-- sheet: (.+) -->\n)", re.MULTILINE)
"""The marker of what is known of some checks, named in it."""


def filled(text: str) -> str:
    """A page with every marked block made anew."""
    for marker, make in BLOCKS.items():
        text = _with_block(text, f"<!-- {marker} -->\n", make)
    for head, names in SHEET.findall(text):
        text = _with_block(text, head, lambda names=names: sheet(names.split(", ")))  # type: ignore[misc]
    return with_printed(text)


def _with_block(text: str, head: str, make: Callable[[], str]) -> str:
    """The text with the block below a marker made anew, where it has that marker."""
    if head not in text:
        return text
    before, _, after = text.partition(head)
    return before + head + make() + "\n" + _rest(after)


def _rest(after: str) -> str:
    """What follows the block below a marker: a fenced block, or lines up to the first empty one."""
    if fence := re.match("`{3,}", after):
        end = f"\n{fence[0]}\n"
        return after[after.index(end) + len(end) :]
    return after[after.index("\n\n") + 1 :] if not after.startswith("\n") else after


def pages() -> list[Path]:
    """README and the pages of docs."""
    return [PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md"))]


def main() -> None:
    """Print what would change, or write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    for page in pages():
        old = page.read_text(encoding="utf-8")
        new = filled(old)
        if new != old and options.write:
            page.write_text(new, encoding="utf-8")
        print(f"{page.relative_to(PROJECT)}: {'as it was' if new == old else 'changed'}")


if __name__ == "__main__":
    main()
