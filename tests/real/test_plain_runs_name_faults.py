"""A plain run, without a gate, names what is wrong with two real judges of GenAI-Bench (Jiang et al. 2024).

LLaVA chose the first answer of nearly every pair. An earlier run of Gemini's was made without its images; by
the data set's own count of what its replies say, 1,659 and 736 of them tell so.
"""

from __future__ import annotations

import gzip
import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.real.conftest import MakeProject
from tests.real.test_genai_bench_runs import log

COUNTED = 1659 + 736
NO_IMAGE = "no picture seen"
Replies = Callable[[str], dict[str, str]]


@pytest.fixture
def replies(shared: Path) -> Replies:
    """What a judge said of each item."""

    def of(name: str) -> dict[str, str]:
        with gzip.open(shared / "genai_bench" / f"verdicts_{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
            return {row["item"]: row["response"] for row in map(json.loads, lines)}

    return of


def summary(shared: Path, project: MakeProject, name: str, *options: str) -> list[str]:
    """The lines of a run of all items, with nothing but a judge and a benchmark said."""
    judges = {name: log(shared, name, "genai-bench-strict")}
    made = project(judges, reader="genai-bench", path="genai_bench/items.jsonl")
    result = made.runpytest("-p", "no:randomly", "-q", "--tb=no", f"--judge={name}", *options, "bench")
    lines = result.outlines
    return lines[lines.index(next(line for line in lines if f"judge {name} on genai-bench" in line)) :]


def test_llava_s_one_verdict_is_named(shared: Path, real_project: MakeProject, replies: Replies) -> None:
    said = Counter(re.findall(r"\[\[(.*?)\]\]", "\n".join(replies("llava").values())))
    assert said["A>B"] == 3720
    lines = summary(shared, real_project, "llava")
    (told,) = (line for line in lines if line.startswith("nearly constant"))
    answered = next(line for line in lines if line.startswith("pair ")).split()[2]
    assert told.startswith(
        f"nearly constant: {said['A>B']:,} of {int(answered):,} pair verdicts are A; humans said so in 1,208 "
    )
    assert not [line for line in lines if line.startswith(NO_IMAGE)]


def test_that_gemini_saw_no_images_is_named_with_how_many_say_so_and_who_judges_still(
    shared: Path, real_project: MakeProject, replies: Replies
) -> None:
    name = "gemini_first_run_no_images"
    all_said = replies(name)
    lines = summary(shared, real_project, name, "--judge-report=run.md")
    told = [line for line in lines if line.startswith(NO_IMAGE)]
    assert len(told) == 2
    first = re.fullmatch(
        rf"{NO_IMAGE}: ([\d,]+) of ([\d,]+) replies say so, the first on (\S+): (.+)", told[0]
    )
    assert first is not None
    count, of = (int(number.replace(",", "")) for number in first.groups()[:2])
    assert of == len(all_said)
    assert first[3] == "image_edition/0"
    assert first[4].strip("'") in all_said[first[3]]
    still = re.fullmatch(
        rf"{NO_IMAGE}, and a verdict all the same: (\d+), the first on (\S+): .*not provided.*", told[1]
    )
    assert still is not None
    assert "[[" in all_said[still[2]]
    judged = sum("[[" in reply for reply in all_said.values())
    assert COUNTED <= count - int(still[1]) <= len(all_said) - judged
    notes = Path("run.md").read_text(encoding="utf-8")
    assert f"- {told[0]}" in notes


@pytest.mark.parametrize("name", ["gemini-1.5-pro", "gpt4o"])
def test_a_later_run_with_images_is_not_accused(shared: Path, real_project: MakeProject, name: str) -> None:
    lines = summary(shared, real_project, name, "--judge-limit=200")
    assert [line for line in lines if line.startswith("pair ")]
    assert not [line for line in lines if line.startswith((NO_IMAGE, "nearly constant"))]
