"""Whole runs with probes: cases, gates, the marker, a probe of one's own, and what it costs told first."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from pytest_mllm_judge.__main__ import main
from tests.plugin.conftest import Project

SHAPES = Path(__file__).parents[2] / "fixtures" / "shapes"
EACH = 15
"""Items of each task."""
GATE = '[gates."it looks"]\ncheck = "grounding.blank"\nat_least = 0.2\n'
OWN = """
def loud(item):
    return {"loud": item.model_copy(update={"instruction": item.instruction.upper()})}
"""


def _first(items: list[dict[str, Any]], task: str) -> list[dict[str, Any]]:
    return [one for one in items if one["task"] == task and not one.get("must")][:EACH]


@pytest.fixture
def shapes(project: Project) -> Project:
    """Some of the bundled items; judge `sound` looks at the pictures, `blind` never does."""
    lines = (SHAPES / "items.jsonl").read_text(encoding="utf-8").splitlines()
    items = [json.loads(line) for line in lines]
    chosen = [one for task in ("score", "pair", "batch") for one in _first(items, task)]
    project.write_items(chosen)
    for name in {image for one in chosen for image in one["images"]}:
        target = project.root / "bench" / name
        target.parent.mkdir(exist_ok=True)
        shutil.copy(SHAPES / name, target)
    for name, dials in (("sound", {"reask": 0.1}), ("blind", {"reask": 0.1, "blindness": 1.0})):
        project.judges[name] = {
            "kind": "reference",
            **{f"dials.{key}": value for key, value in dials.items()},
        }
    project.write_judges()
    return project


def test_each_probe_has_a_case_that_asks_what_it_asks(shapes: Project, spread: tuple[str, ...]) -> None:
    shapes.write_manifest('[probes]\nposition = true\ngrounding = ["blank"]\n')
    result = shapes.run("--judge=sound", "-m", "judge_probe", *spread, "bench")
    assert result.parseoutcomes()["passed"] == 2
    asked = EACH + 2 * 3 * EACH  # swapped pairs; every item blank, and again
    result.stdout.fnmatch_lines(
        [
            f"probes: {asked} further judgements",
            f"  consistency.orders  *, {EACH} items",
            f"  pair.position  *, {EACH} items; conflict *",
            f"  grounding.blank  *, {3 * EACH} items; differs *; again *",
        ]
    )


def test_the_reports_have_what_probes_found(shapes: Project) -> None:
    shapes.write_manifest('[probes]\nposition = true\ngrounding = ["blank"]\n')
    shapes.run("--judge=sound", "--judge-report=r.md", "--judge-report=r.json", "-m", "judge_probe", "bench")
    (judge,) = json.loads((shapes.root / "r.json").read_text())["judges"]
    told = {each["check"]: each for each in judge["probes"]}
    assert {name: each["items"] for name, each in told.items()} == {
        "consistency.orders": EACH,
        "pair.position": EACH,
        "grounding.blank": 3 * EACH,
    }
    assert 0.2 < told["grounding.blank"]["figure"]["low"] < told["grounding.blank"]["figure"]["value"]
    page = (shapes.root / "r.md").read_text()
    assert f"| grounding.blank | {told['grounding.blank']['line']} |" in page


def test_one_probes_case_asks_nothing_of_another(shapes: Project) -> None:
    shapes.write_manifest('[probes]\nposition = true\ngrounding = ["blank"]\n')
    result = shapes.run("--judge=sound", "-m", "judge_probe", "-k", "position", "bench")
    result.stdout.fnmatch_lines([f"probes: {EACH} further judgements"])
    result.stdout.no_fnmatch_line("*grounding*")


@pytest.mark.parametrize(("judge", "outcome"), [("sound", "holds"), ("blind", "fails")])
def test_a_gate_tells_a_judge_that_looks_from_one_that_does_not(
    shapes: Project, spread: tuple[str, ...], judge: str, outcome: str
) -> None:
    shapes.write_manifest(f'[probes]\ngrounding = ["blank"]\n{GATE}')
    result = shapes.run(f"--judge={judge}", "-m", "judge_gate", *spread, "bench")
    assert result.ret == (0 if outcome == "holds" else 1)
    result.stdout.fnmatch_lines([f"  {outcome} *it looks  grounding.blank at least 0.2: *"])


def test_a_gate_without_its_probe_is_told_before_anything_is_asked(shapes: Project) -> None:
    shapes.write_manifest(GATE)
    result = shapes.run("--judge=sound", "bench")
    assert result.ret == 4
    result.stderr.fnmatch_lines(
        [
            'ERROR: bench/benchmark.toml: gates."it looks": grounding.blank is read from what the probe '
            "'grounding' asks, and nothing of it was asked",
            "  Say [[]probes] grounding = true in benchmark.toml, or mark the test: "
            '@pytest.mark.judge_probes("grounding")',
        ]
    )


def test_a_gate_that_the_sample_is_too_small_for_is_told(shapes: Project) -> None:
    """Three items of each task, all of which move, show no more than a share of .2 of them does."""
    shapes.write_manifest(f'[probes]\ngrounding = {{ variants = ["blank"], items = 1 }}\n{GATE}')
    result = shapes.run("--judge=sound", "bench")
    assert result.ret == 4
    result.stderr.fnmatch_lines(
        ['ERROR: bench/benchmark.toml: gates."it looks": no judge could pass grounding.blank at least 0.2 *']
    )


MARKED = """
import pytest
from pytest_mllm_judge import bias, grounding

pytestmark = pytest.mark.judge_benchmark("bench")

@pytest.mark.judge_probes(grounding={"variants": ["blank"], "items": 12})
def test_it_looks(judge_run):
    assert grounding.blank(judge_run.judgements()) >= 0.2

@pytest.mark.judge_probes("position", repeat=2)
def test_both_orders(judge_run):
    assert {one.variant for one in judge_run.pair} == {"", "swapped"}
    assert {one.repeat for one in judge_run.pair} == {0, 1}

def test_unmarked(judge_run):
    assert {(one.variant, one.repeat) for one in judge_run.judgements()} == {("", 0)}
    bias.position(judge_run.pair)
"""


def test_a_marked_test_asks_what_its_marker_says_and_others_do_not(
    shapes: Project, spread: tuple[str, ...]
) -> None:
    shapes.write_manifest()
    shapes.pytester.makepyfile(test_own=MARKED)
    result = shapes.run("--judge=sound", *spread, "test_own.py")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*SettingsError: pair.position needs pairs asked in both orders: *"])
    blind = shapes.run("--judge=blind", *spread, "test_own.py", "-k", "looks")
    blind.assert_outcomes(failed=1, deselected=0 if spread[:2] == ("-n", "2") else 2)
    blind.stdout.fnmatch_lines(["fails: grounding.blank is not at least 0.2"])


def test_a_marker_that_names_no_probe_is_told(shapes: Project) -> None:
    shapes.write_manifest()
    source = MARKED.replace('"position", repeat=2', '"positions"')
    shapes.pytester.makepyfile(test_own=source)
    result = shapes.run("--judge=sound", "test_own.py", "-k", "orders")
    result.assert_outcomes(errors=1, deselected=2)
    result.stdout.fnmatch_lines(
        ["judge_probes: probes.positions: there is no probe 'positions'; did you mean 'position' or *"]
    )


def test_a_probe_of_ones_own_stands_in_a_file_beside_the_benchmark(
    shapes: Project, spread: tuple[str, ...]
) -> None:
    (shapes.root / "bench" / "own.py").write_text(OWN)
    shapes.write_manifest('[probes.loud]\nfunction = "own.py:loud"\nitems = 10\n')
    shapes.pytester.makepyfile(
        test_own=MARKED.partition("@pytest")[0] + "from pytest_mllm_judge import probed\n"
        "def test_it(judge_run):\n"
        '    found = probed.favours(judge_run.judgements(), variant="loud")\n'
        "    assert found.n == 30\n"
    )
    result = shapes.run("--judge=sound", *spread, "test_own.py", "bench", "-k", "loud or test_it")
    assert result.parseoutcomes()["passed"] == 2


PRICED = """
import itertools
numbers = itertools.count()
def ask(question):
    return {"text": "Judgement: [[A]]", "usage": {"input_tokens": 100, "output_tokens": 10}}
"""


def test_what_probes_ask_is_told_before_anything_is_asked(shapes: Project) -> None:
    (shapes.root / "own.py").write_text(PRICED)
    shapes.judges["own"] = {"kind": "callable", "function": "own.py:ask"}
    shapes.write_judges()
    shapes.write_manifest('[probes]\nposition = true\ngrounding = { variants = ["blank"], items = 10 }\n')
    shapes.run("--judge=own", "--judge-record=new_episodes", "-k", "score", "bench")
    result = shapes.run("--judge=own", "--judge-record=new_episodes", "--collect-only", "-q", "bench")
    items = 3 * EACH
    result.stdout.fnmatch_lines(
        [
            f"mllm-judge: own on bench: {items + EACH + 60} questions, {EACH} of them recorded",
            "*questions  to ask  tokens in *out  cost",
            f"  items *{items} *{items - EACH} *",
            f"  position *{EACH} *{EACH} *",
            "  grounding *30 *30 *",
            "  again *30 *30 *",
            f"  together *{items + EACH + 60} *{items + EACH + 60 - EACH} *",
            f"  estimated from the tokens of recorded replies ({EACH} score); sizes (batch, pair): "
            "4 letters a token, 1,000 tokens a picture, 200 a reply",
            "  cost unknown: judge 'own' has no prices",
        ]
    )
    assert len((shapes.root / "bench" / "cassettes" / "own.jsonl").read_text().splitlines()) == EACH


CLASH = """
import pytest
from pytest_mllm_judge import robustness

pytestmark = pytest.mark.judge_benchmark("bench")

@pytest.mark.judge_probes(reencoding={"variants": ["jpeg"]})
def test_mild(judge_run):
    assert robustness.jpeg(judge_run.judgements()).value == pytest.approx(MILD)

@pytest.mark.judge_probes(reencoding={"variants": ["resized"], "scale": 0.1})
def test_hard(judge_run):
    assert robustness.resized(judge_run.judgements()).value > 0.2

@pytest.mark.judge_probes(reencoding={"variants": ["resized"]})
def test_soft(judge_run):
    assert robustness.resized(judge_run.judgements()).value == 0
"""


@pytest.mark.parametrize("chosen", ["", "hard", "soft"])
def test_two_tests_that_alter_items_in_other_ways_have_answers_of_their_own(
    shapes: Project, spread: tuple[str, ...], chosen: str
) -> None:
    """Alone, together and over two processes: the same variant's name, other settings."""
    shapes.judges["sound"] = {"kind": "reference"}
    shapes.write_judges()
    shapes.write_manifest()
    shapes.pytester.makepyfile(test_own=CLASH.replace("MILD", "0.0"))
    result = shapes.run("--judge=sound", *spread, "test_own.py", *(["-k", chosen] if chosen else []))
    assert result.ret == 0


def test_a_markers_settings_change_no_gate_of_the_benchmark(shapes: Project) -> None:
    shapes.judges["sound"] = {"kind": "reference"}
    shapes.write_judges()
    gate = '[gates."scaled"]\ncheck = "robustness.resized"\nat_most = 0.2\n'
    shapes.write_manifest(f'[probes]\nreencoding = ["resized"]\n{gate}')
    shapes.pytester.makepyfile(test_own=CLASH.replace("MILD", "0.0"))
    args = ("--judge=sound", "--judge-report=r.json", "-k", "hard or scaled")
    for order in (("test_own.py", "bench"), ("bench", "test_own.py")):
        result = shapes.run(*args, *order)
        assert result.ret == 0
        result.stdout.fnmatch_lines(["  holds *scaled  robustness.resized at most 0.2: 0.000 *"])
        (judge,) = json.loads((shapes.root / "r.json").read_text())["judges"]
        assert [(each["check"], each["figure"]["value"]) for each in judge["probes"]] == [
            ("robustness.resized", 0.0)
        ]


def test_a_gate_rests_on_nothing_that_other_probes_ask(shapes: Project) -> None:
    """A cassette from before the probes were added still decides what it has the answers for."""
    (shapes.root / "own.py").write_text(PRICED)
    shapes.judges["own"] = {"kind": "callable", "function": "own.py:ask"}
    shapes.write_judges()
    gate = '[gates."any"]\ncheck = "problems.rate"\nat_most = 0.99\n'
    shapes.write_manifest(gate)
    shapes.run("--judge=own", "--judge-record=new_episodes", "bench")
    shapes.write_manifest(f'[probes]\nposition = true\ngrounding = ["blank"]\n{gate}')
    result = shapes.run("--judge=own", "-m", "judge_gate or judge_probe", "bench")
    result.assert_outcomes(passed=1, failed=2, deselected=3 * EACH)
    result.stdout.fnmatch_lines(["  holds *any  problems.rate at most 0.99: *"])


def test_a_probe_that_suits_no_item_is_red(shapes: Project) -> None:
    shapes.write_manifest("[probes]\nimages = true\n")
    result = shapes.run("--judge=sound", "-m", "judge_probe", "bench")
    result.assert_outcomes(failed=1, deselected=3 * EACH)
    result.stdout.fnmatch_lines(["no item of this benchmark suits the probe 'images': nothing was asked"])


def test_a_functions_marker_asks_besides_its_modules(shapes: Project) -> None:
    shapes.write_manifest()
    source = """
    import pytest
    pytestmark = [pytest.mark.judge_benchmark("bench"), pytest.mark.judge_probes("position", repeat=2)]

    @pytest.mark.judge_probes("padding")
    def test_both(judge_run):
        assert {one.variant for one in judge_run.pair} == {"", "swapped", "padded"}
        assert {one.repeat for one in judge_run.pair} == {0, 1}
    """
    shapes.pytester.makepyfile(test_own=source)
    shapes.run("--judge=sound", "test_own.py").assert_outcomes(passed=1)


def test_what_a_marker_asks_is_told_first_and_stays_in_the_cassette(shapes: Project) -> None:
    (shapes.root / "own.py").write_text(PRICED)
    shapes.judges["own"] = {"kind": "callable", "function": "own.py:ask"}
    shapes.write_judges()
    shapes.write_manifest()
    shapes.pytester.makepyfile(test_own=MARKED)
    result = shapes.run("--judge=own", "--judge-record=new_episodes", "-k", "both_orders", "test_own.py")
    result.assert_outcomes(passed=1, deselected=2)
    result.stdout.fnmatch_lines(
        [f"mllm-judge: own on bench: {2 * 3 * EACH + 2 * EACH} questions, 0 of them recorded", "  position *"]
    )
    cassette = shapes.root / "bench" / "cassettes" / "own.jsonl"
    recorded = cassette.read_bytes()
    assert len(recorded.splitlines()) == 4 * EACH
    assert main(["cassette", "prune", str(shapes.root / "bench")]) == 0
    assert cassette.read_bytes() == recorded
    assert main(["cassette", "prune", "--undeclared", str(shapes.root / "bench")]) == 0
    assert len(cassette.read_bytes().splitlines()) == EACH


def test_the_summary_counts_what_variants_took(shapes: Project) -> None:
    (shapes.root / "own.py").write_text(PRICED)
    shapes.judges["own"] = {"kind": "callable", "function": "own.py:ask"}
    shapes.write_judges()
    shapes.write_manifest("[probes]\nposition = true\n")
    result = shapes.run("--judge=own", "--judge-record=new_episodes", "bench")
    asked = 4 * EACH
    result.stdout.fnmatch_lines(
        [f"asked: {asked} replies recorded; {100 * asked:,} input and {10 * asked:,} output tokens*"]
    )


def test_an_approval_is_not_compared_where_the_probe_shows_something_else(shapes: Project) -> None:
    shapes.judges["sound"] = {"kind": "reference"}
    shapes.write_judges()
    upgrade = "[upgrade]\nmargin = 0.9\n"
    shapes.write_manifest(f'[probes]\nreencoding = ["resized"]\n{upgrade}')
    shapes.run("--judge=sound", "bench")
    assert main(["approve", "sound", str(shapes.root / "bench"), "--reason", "the first one"]) == 0
    shapes.run("--judge=sound", "bench").stdout.no_fnmatch_line("*asked*then*")
    harder = '{ variants = ["resized"], scale = 0.1 }'
    shapes.write_manifest(f"[probes]\nreencoding = {harder}\n{upgrade}")
    result = shapes.run("--judge=sound", "bench")
    result.stdout.no_fnmatch_line("regressed: robustness*")
    result.stdout.fnmatch_lines(["  robustness.resized *"])


@pytest.mark.parametrize(
    ("probes", "prices", "told"),
    [
        ("", True, "  [probes] asks nothing, so there is nothing to fit into a budget"),
        (
            "[probes]\npadding = true\n",
            False,
            "  no budget can be kept: [tool.pytest-mllm-judge.judges.far] has no prices",
        ),
        ("[probes]\npadding = true\n", True, "  within 0.02 beside the items as they are: items = "),
        ("[probes]\npadding = true\n", True, ""),
    ],
)
def test_what_fits_a_budget_is_told_or_why_nothing_does(
    shapes: Project, capsys: pytest.CaptureFixture[str], probes: str, prices: bool, told: str
) -> None:
    priced = {"prices.input": 2.5, "prices.output": 10.0} if prices else {}
    shapes.judges["far"] = {"kind": "openai", "model": "m", "base_url": "http://127.0.0.1:9/v1", **priced}
    shapes.write_judges()
    shapes.write_manifest(probes)
    budget = "0.02" if told else "0.000001"
    assert main(["cost", "far", "bench", "--budget", budget]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith(told or "  within 0.00 no probe can be asked of one item of each task")
