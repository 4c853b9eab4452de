"""Repeats, and claims about exactly the items at hand."""

from __future__ import annotations

import json

from tests.plugin.conftest import Project, pair

FIXED = """population = "fixed"
[probes]
repeat = 3
[gates."agrees"]
check = "pair.accuracy"
at_least = 0.8
"""


def write_noisy_log(project: Project, *, repeats: int, wrong: int = 4) -> None:
    """A judge that errs on its first items, in one of its repeats only."""
    rows = [
        {"item": f"pair-{n:02}", "repeat": repeat, "verdict": "B" if n < wrong and repeat == n % 3 else "A"}
        for n in range(40)
        for repeat in range(repeats)
    ]
    (project.root / "noisy.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    project.judges["noisy"] = {"kind": "log", "path": "noisy.jsonl"}
    project.write_judges()


def test_a_gate_on_fixed_items_rests_on_the_judges_repeats(project: Project, spread: tuple[str, ...]) -> None:
    project.write_manifest(FIXED)
    write_noisy_log(project, repeats=3)
    result = project.run("--judge=noisy", *spread, "bench")
    result.assert_outcomes(passed=41)
    result.stdout.fnmatch_lines(
        [
            "*holds*agrees*pair.accuracy at least 0.8: 0.967 (0.9*",
            "population: gates are about exactly these items; *",
        ]
    )


def test_fixed_items_asked_once_decide_nothing_and_say_so_before_anything_is_asked(project: Project) -> None:
    project.write_manifest(FIXED.replace("repeat = 3", "repeat = 1"))
    result = project.run("--judge=good", "bench")
    result.stderr.fnmatch_lines(
        [
            '*gates."agrees": with population = "fixed" only asking again tells how the judge varies: '
            "say [[]probes] repeat = 2 or more"
        ]
    )


def test_repeats_count_once_for_each_item_as_clusters(project: Project) -> None:
    project.write_manifest(FIXED.replace('population = "fixed"\n', ""))
    write_noisy_log(project, repeats=3)
    result = project.run("--judge=noisy", "bench")
    result.assert_outcomes(passed=41)
    result.stdout.fnmatch_lines(["*holds*agrees*pair.accuracy at least 0.8: 0.967 (0.*)"])


def test_a_repeat_that_the_log_lacks_is_not_asked_and_counts_as_wrong(project: Project) -> None:
    project.write_manifest(FIXED)
    write_noisy_log(project, repeats=1)
    result = project.run("--judge=noisy", "bench")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["*fails: pair.accuracy is not at least 0.8", "*80 of 120 (80 not_asked)*"])


def test_a_gate_may_say_which_label_and_how_annotators_count(project: Project) -> None:
    project.write_items([pair(n, human=["A", "A", "B"] if n % 2 else ["B", "B", "A"]) for n in range(60)])  # type: ignore[arg-type]
    project.write_log("good", {f"pair-{n:02}": "A" if n % 2 else "B" for n in range(60)})
    project.write_manifest(
        '[gates."one annotator"]\ncheck = "pair.accuracy"\nat_least = 0.5\nannotators = "all"\n'
        '[gates."label A"]\ncheck = "pair.recall"\nat_least = 0.7\nlabel = "A"\n'
        '[gates."ties"]\ncheck = "pair.accuracy_decided"\nat_least = 0.7\nties = "half"\n'
    )
    result = project.run("--judge=good", "bench")
    result.stdout.fnmatch_lines(
        [
            "*holds*one annotator*pair.accuracy at least 0.5: 0.667*",
            "*holds*label A*pair.recall of A at least 0.7: 1.000*",
            "*holds*ties*pair.accuracy_decided, ties half at least 0.7: 1.000*",
        ]
    )


def test_an_unknown_label_is_named_when_the_gate_is_collected(project: Project) -> None:
    project.write_manifest('[gates."label"]\ncheck = "pair.recall"\nat_least = 0.7\nlabel = "C"\n')
    result = project.run("--judge=good", "bench")
    result.stderr.fnmatch_lines(["*gates.\"label\": recall: there is no label 'C' (known: A, B, tie)"])
