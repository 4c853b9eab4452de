"""Whole runs: gates and upgrades that rest on both orders, on repeats, on cost and on latency."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.plugin.conftest import Project, pair

PROBES = "[probes]\nposition = true\nrepeat = 2\n"
GATES = (
    '[gates."orders"]\ncheck = "consistency.orders"\nat_least = 0.8\n'
    '[gates."repeats"]\ncheck = "consistency.repeats"\nat_least = 0.8\n'
)
ITEMS = 60


def write_log(project: Project, name: str, *, slot: int = 0, noisy: int = 0, slower: float = 0.0) -> None:
    """A judge that chooses A, whatever the order on its first `slot` items, else another the second time."""
    rows: list[dict[str, Any]] = []
    for n in range(ITEMS):
        for repeat in range(2):
            said = "B" if slot <= n < slot + noisy and repeat else "A"
            other = said if n < slot else {"A": "B", "B": "A"}[said]
            asked = {
                "item": f"pair-{n:02}",
                "repeat": repeat,
                "latency": 1.0 + n % 7 / 10 + slower * (0.8 + n % 5 / 10),
            }
            rows += [{**asked, "verdict": said}, {**asked, "verdict": other, "variant": "swapped"}]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (project.root / f"{name}.jsonl").write_text(text, encoding="utf-8")
    project.judges[name] = {"kind": "log", "path": f"{name}.jsonl"}
    project.write_judges()


@pytest.fixture
def probed(project: Project) -> Project:
    """Sixty pairs, asked twice in both orders: a judge `firm`, and one that the first slot draws."""
    project.write_items([pair(number) for number in range(ITEMS)])
    project.write_manifest(PROBES + GATES)
    write_log(project, "firm")
    write_log(project, "drawn", slot=30)
    write_log(project, "noisy", noisy=30)
    return project


@pytest.mark.parametrize("spread", [(), ("-n", "2")], ids=["plain", "n2"])
def test_gates_on_consistency_hold_for_a_steady_judge_in_any_spread(
    probed: Project, spread: tuple[str, ...]
) -> None:
    result = probed.run("--judge=firm", *spread, "-m", "judge_gate", "bench")
    result.assert_outcomes(passed=2, deselected=0 if spread else ITEMS + 1)
    result.stdout.fnmatch_lines(["probes: 120 further judgements"])
    result.stdout.fnmatch_lines(
        [
            "*holds*orders *consistency.orders at least 0.8: 1.000 (0.9*",
            "*holds*repeats *consistency.repeats at least 0.8: 1.000 (0.9*",
        ]
    )


def test_each_gate_fails_for_its_own_fault_alone(probed: Project) -> None:
    for judge, lines in {
        "drawn": ["*fails*consistency.orders at least 0.8: 0.500*", "*holds*consistency.repeats*"],
        "noisy": ["*holds*consistency.orders at least 0.8: 1.000*", "*fails*consistency.repeats*: 0.500*"],
    }.items():
        result = probed.run(f"--judge={judge}", "-m", "judge_gate", "bench")
        assert result.ret == pytest.ExitCode.TESTS_FAILED
        result.stdout.fnmatch_lines(lines)


def test_an_upgrade_names_what_regressed_though_nothing_that_decides_did(probed: Project) -> None:
    probed.write_manifest(PROBES)
    result = probed.run("--judge=drawn", "--judge-baseline=firm", "-m", "judge_gate", "bench")
    result.assert_outcomes(passed=2, deselected=ITEMS + 1)
    record = json.loads(next(probed.root.rglob("mllm-judge/run.json")).read_text(encoding="utf-8"))
    gate = next(gate for gate in record["gates"].values() if "family" in gate)
    told = {one["name"]: (one["decides"], one["outcome"], one["regressed"]) for one in gate["family"]}
    assert told["pair.accuracy"] == (True, "holds", False)
    assert told["consistency.orders"] == (False, "fails", True)
    assert told["consistency.repeats"] == (False, "holds", False)
    assert told["latency.mean"] == (False, None, False)
    assert "cost.mean" not in told


@pytest.mark.parametrize(("slower", "outcome", "status"), [(0.0, "holds", 0), (0.9, "fails", 1)])
def test_a_margin_of_latency_decides_by_the_times_though_all_verdicts_are_the_same(
    probed: Project, slower: float, outcome: str, status: int
) -> None:
    probed.write_manifest(PROBES + '[upgrade]\nmargin = { pair = 0.05, "latency.mean" = 0.5 }\n')
    write_log(probed, "other", slower=slower)
    result = probed.run("--judge=other", "--judge-baseline=firm", "-m", "judge_gate", "bench")
    assert result.ret == status
    result.stdout.fnmatch_lines([f"*{outcome}*latency.mean, difference at most 0.5: {slower:.3f} *"])


SAYS = 'def ask(question):\n    return "Judgement: [[A]]"\n'


@pytest.mark.parametrize(("chosen", "exchanges"), [("pair-00", 1), ("orders", 4 * ITEMS)])
def test_a_recording_asks_what_the_selected_cases_need_and_no_more(
    probed: Project, chosen: str, exchanges: int
) -> None:
    """An item's case asks it once as it is; a gate asks its pairs twice in both orders."""
    (probed.root / "own.py").write_text(SAYS)
    probed.judges["own"] = {"kind": "callable", "function": "own.py:ask"}
    probed.write_judges()
    probed.run("--judge=own", "--judge-record=new_episodes", "-k", chosen, "bench")
    cassette = probed.root / "bench" / "cassettes" / "own.jsonl"
    assert len(cassette.read_bytes().splitlines()) == exchanges


def test_an_unknown_probe_is_told_before_anything_is_asked(probed: Project) -> None:
    probed.write_manifest(PROBES + "grouding = true\n")
    result = probed.run("--judge=firm", "-k", "pair-00", "bench")
    assert result.ret == 4
    result.stderr.fnmatch_lines(
        [
            "ERROR: bench/benchmark.toml: probes.grouding: there is no probe 'grouding'; did you mean "
            "'grounding' or 'reencoding'? (known: position, rotations, images, padding, grounding, attack, "
            "reencoding)",
            '  One of your own: [[]probes.grouding] function = "file.py:function"',
        ]
    )
