"""What analyses state of pictures, held against the pixels: what counts, and which dials show."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from scipy import stats

from pytest_mllm_judge import Estimate, Item, Judgement, Judgements, assertions, hallucination, load
from pytest_mllm_judge.__main__ import main
from pytest_mllm_judge.benchmarks import Benchmark
from pytest_mllm_judge.errors import BenchmarkError, ClaimFailed, SettingsError
from pytest_mllm_judge.judging.judge import Context
from pytest_mllm_judge.metrics import CHECKS
from pytest_mllm_judge.metrics.gates import check_gate
from pytest_mllm_judge.metrics.upgrade import check_names, comparisons
from pytest_mllm_judge.model import Tasks
from pytest_mllm_judge.reference import WORLD, generate
from pytest_mllm_judge.reference.dials import Dials
from pytest_mllm_judge.reference.draw import png
from pytest_mllm_judge.reference.judge import ReferenceJudge, ReferenceSettings
from pytest_mllm_judge.reference.look import Eyes
from pytest_mllm_judge.reference.scene import SOURCES, scene
from tests.docs.stated import SHAPES

N = 500
Judged = Callable[..., Judgements]
TRUE, UNTRUE = "I see 2 circles, 4 triangles. The rest is talk.", "I see 1 circle, 4 triangles, 2 bars."
"""What the picture of `drawn` shows, and what it does not."""


@pytest.fixture(scope="module")
def by_dials() -> Judged:
    """500 items of the bundled benchmark, drawn by lot, as a judge with these dials judges them."""
    every = [item.model_copy(update={"folder": SHAPES}) for item in generate.items()]
    items = random.Random(6).sample(every, N)

    def judged(*, repeat: int = 0, **dials: Any) -> Judgements:
        settings = ReferenceSettings(dials=Dials.model_validate(dials))
        judge = ReferenceJudge("reference", settings, Context())
        asked = [judge.question(item, repeat=repeat) for item in items]
        found = [judge.read(question, judge.ask(question)) for question in asked]
        return Judgements(found, cluster_of=lambda item: item.images[0], tasks=Tasks())

    return judged


def item(number: int, folder: Path | None = None, **more: Any) -> Item:
    given = {"task": "score", "responses": [{"text": "Two circles."}], "images": ["circles.png"]}
    return Item.model_validate({"id": f"{number:03}", **given, "world": WORLD, "folder": folder, **more})


@pytest.fixture
def drawn(tmp_path: Path) -> Judged:
    """Judgements with these replies (None: refused) about one picture; `more` goes into the items."""
    (tmp_path / "circles.png").write_bytes(png(scene("blocks", 1)))

    def judged(replies: list[str | None], *, start: int = 0, **more: Any) -> Judgements:
        found = [
            Judgement(
                item=item(start + place, tmp_path, **more),
                judge="j",
                reply=reply,
                verdict=None if reply is None else 3,
                problem="refused" if reply is None else None,
            )
            for place, reply in enumerate(replies)
        ]
        return Judgements(found, cluster_of=lambda one: one.id, tasks=Tasks())

    return judged


def reason(estimate: Estimate) -> str:
    assert estimate.value is None
    assert (estimate <= 0.5).outcome == "undecided"
    return estimate.counted.reason


def test_one_in_ten_that_hallucinates_is_found_and_none_is_shown_to_be_few(by_dials: Judged) -> None:
    planted = hallucination.facts(by_dials(hallucination=0.1))
    assert planted.n == N
    assert planted.value == pytest.approx(0.1, abs=3 * (0.1 * 0.9 / N) ** 0.5)
    assert (planted <= 0.05).outcome == "fails"
    honest = hallucination.facts(by_dials())
    assert honest.value == 0
    assert (honest <= 0.05).outcome == "holds"


@pytest.mark.parametrize(
    "dials",
    [
        {"blindness": 0.5},
        {"length": 0.5},
        {"slot_bias": 0.5},
        {"leniency": 0.5},
        {"noise": 0.3},
        {"reask": 0.3},
        {"self_preference": 0.5, "favours": "model-a"},
        {"obeys_answer": 0.5},
    ],
    ids=lambda dials: next(iter(dials)),
)
def test_no_other_fault_raises_an_alarm(by_dials: Judged, dials: dict[str, Any]) -> None:
    found = hallucination.facts(by_dials(**dials))
    assert found.value == 0
    assert (found <= 0.05).outcome == "holds"


def test_a_judge_that_never_looks_states_nothing_and_is_not_called_honest(by_dials: Judged) -> None:
    blind = hallucination.facts(by_dials(blindness=1))
    assert reason(blind) == (
        "none of these replies states a fact as the bundled judges do: “I see 3 circles, 1 square.”"
    )
    assert reason(blind - hallucination.facts(by_dials())) == (
        "one of the judges states in no reply a fact that is read: “I see 3 circles, 1 square.”"
    )


def test_a_refusal_counts_as_a_hallucination(by_dials: Judged) -> None:
    refusing = hallucination.facts(by_dials(refusals=0.1, hallucination=0.1))
    both = hallucination.facts(by_dials(hallucination=0.1))
    lost = sum(refusing.problems.values())
    assert lost > 0.05 * N
    assert refusing.value is not None
    assert both.value is not None
    assert refusing.value > both.value
    assert refusing.without is not None
    assert refusing.without.n == N - lost


def test_a_judge_that_begins_to_hallucinate_is_worse_than_before(by_dials: Judged) -> None:
    new, old = (hallucination.facts(by_dials(hallucination=share)) for share in (0.2, 0.0))
    difference = new - old
    assert difference.value == new.value
    assert (difference <= 0.05).outcome == "fails"
    assert difference.wrong == round((new.value or 0) * N)
    assert difference.examples[0].endswith("; the other does not")


def test_the_figure_says_how_it_came_about(drawn: Judged) -> None:
    replies = [TRUE] * 57 + [UNTRUE] + ["Well said."] + [None]
    found = hallucination.facts(drawn(replies))
    assert found.explain().splitlines() == [
        "hallucination.facts",
        "  seen      0.033  (90 % interval 0.006 to 0.101; 60 judgements; clopper-pearson)",
        "  problems  1 of 60 (1 refused); 0.017 (0.001 to 0.078) without them",
        "  facts     1.983  (stated by a reply, in the mean)",
        "  first     057 states 1 circle (shown: 2), 2 bars (shown: 0) · 059 refused",
    ]
    exact = stats.binomtest(2, 60).proportion_ci(0.90, method="exact")
    assert (found.low, found.high) == pytest.approx((exact.low, exact.high), abs=1e-9)


def test_only_plain_asks_count_and_every_repeat_does(drawn: Judged) -> None:
    once = list(drawn([TRUE, UNTRUE]))
    again = [each.model_copy(update={"repeat": 1}) for each in once]
    variants = [each.model_copy(update={"variant": "blank", "reply": UNTRUE}) for each in once]
    found = hallucination.facts(drawn([]).like_these([*once, *again, *variants]))
    assert (found.value, found.n, found.repeats) == (0.5, 4, 2)


@pytest.mark.parametrize(
    "more",
    [{"world": "maps/1"}, {"folder": None}, {"images": ["gone.png"]}, {"images": ["circles.png"] * 2}],
    ids=["another world", "no folder", "no file", "two pictures"],
)
def test_what_no_fact_is_known_of_is_left_out_and_counted(drawn: Judged, more: dict[str, Any]) -> None:
    known, other = drawn([TRUE, UNTRUE]), drawn([UNTRUE], start=2)
    foreign = [
        one.model_copy(update={"item": item(2, **{"folder": one.item.folder, **more})}) for one in other
    ]
    found = hallucination.facts(known.like_these([*known, *foreign]))
    assert (found.value, found.n, found.unlabelled) == (0.5, 2, 1)
    assert "  left out  1 without a reply, or facts to hold it against" in found.lines()


def test_a_verdict_without_a_reply_is_left_out(drawn: Judged) -> None:
    silent = [one.model_copy(update={"reply": None}) for one in drawn([TRUE] * 3)]
    assert reason(hallucination.facts(drawn([]).like_these(silent))) == (
        "none of these judgements has a reply, and facts to hold it against"
    )


def test_items_of_other_worlds_alone_are_an_error_that_names_what_else_there_is(drawn: Judged) -> None:
    with pytest.raises(SettingsError) as told:
        hallucination.facts(drawn([TRUE], world="maps/1"))
    assert str(told.value) == (
        "hallucination.facts: facts are known of the bundled benchmark's pictures alone, and none of these "
        "items is of it; reviews.hallucination is what people say of replies"
        "\n  With facts of your own say contradicted=, a function from a judgement to a number of claims."
    )


def claims_of(judgement: Judgement) -> int | None:
    """Scene graphs of one's own: what is said of dogs is wrong, of cats nothing is known."""
    return None if "cat" in (judgement.reply or "") else (judgement.reply or "").count("dog")


def test_facts_of_one_s_own_are_for_any_world(drawn: Judged) -> None:
    judgements = drawn(["a dog and a dog", "a bird", "a cat", None], world="maps/1")
    found = hallucination.facts(judgements, contradicted=claims_of)
    assert (found.n, found.unlabelled) == (3, 1)
    assert found.value == pytest.approx(2 / 3)
    assert list(found.examples) == ["000 states 2 contradicted claims", "003 refused"]
    assert (found - found).value == 0


def test_facts_of_one_s_own_are_not_subtracted_from_others(drawn: Judged) -> None:
    own, other = (
        hallucination.facts(drawn([TRUE, UNTRUE]), contradicted=how) for how in (claims_of, lambda _: 0)
    )
    with pytest.raises(TypeError, match="two metrics of this name"):
        own - other


@pytest.mark.parametrize("count", [-1, 0.5, "two"])
def test_what_is_no_number_of_claims_is_told_with_its_item(drawn: Judged, count: Any) -> None:
    with pytest.raises(SettingsError) as told:
        hallucination.facts(drawn([TRUE]), contradicted=lambda _: count)
    assert str(told.value) == (
        f"hallucination.facts: contradicted= gave {count!r} for item 000; give a whole number, 0 or more, or "
        "None where nothing is known"
    )


def test_judges_without_a_reply_in_common_can_t_be_compared(drawn: Judged) -> None:
    one, other = (hallucination.facts(drawn([TRUE, UNTRUE], start=start)) for start in (0, 2))
    assert reason(one - other) == ("no question has replies of both judges, and facts to hold them against")


def test_each_picture_is_looked_at_once(drawn: Judged, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    look = Eyes.see

    def looking(eyes: Eyes, digest: str, load: Callable[[], bytes]) -> Any:
        return look(eyes, digest, lambda: seen.append(digest) or load())  # type: ignore[func-returns-value]

    monkeypatch.setattr(Eyes, "see", looking)
    hallucination._eyes.cache_clear()
    hallucination.facts(drawn([TRUE] * 5))
    hallucination.facts(drawn([UNTRUE] * 5))
    assert len(seen) == 1


def test_the_named_assertion_slices_and_the_margin(drawn: Judged) -> None:
    judgements = drawn([TRUE] * 30 + [UNTRUE] * 30)
    with pytest.raises(ClaimFailed):
        assertions.assert_hallucination_facts(judgements, at_most=0.05)
    sliced = judgements.like_these(
        one.model_copy(
            update={"item": one.item.model_copy(update={"source": f"part {int(one.item.id) % 3}"})}
        )
        for one in judgements
    )
    assert {name: part.value for name, part in hallucination.facts(sliced).by("source").items()} == {
        "part 0": 0.5,
        "part 1": 0.5,
        "part 2": 0.5,
    }
    assert hallucination.facts(sliced, by="source").value == pytest.approx(0.5)
    assert CHECKS["hallucination.facts"].margin == 0.05


@pytest.mark.parametrize("source", SOURCES)
def test_what_the_generator_drew_is_what_is_read(source: str) -> None:
    names = {item.images[0] for item in generate.items() if item.images[0].startswith(f"images/{source}-")}
    for name in sorted(names):
        marks = scene(source, int(Path(name).stem.rpartition("-")[2])).marks
        seen = hallucination._marks(item(0, SHAPES, images=[name]))
        assert seen is not None
        assert sorted(mark.noun for mark in seen) == sorted(mark.noun for mark in marks)


def benchmark(folder: Path, world: str, *, rest: str) -> Benchmark:
    (folder / "circles.png").write_bytes(png(scene("blocks", 1)))
    lines = [item(number, world=world, human=3).to_json() + "\n" for number in range(60)]
    (folder / "items.jsonl").write_text("".join(lines), encoding="utf-8")
    head = 'format = "mllm-judge/1"\nitems = "items.jsonl"\n'
    (folder / "benchmark.toml").write_text(head + rest, encoding="utf-8")
    return load(folder)


GATE = '[gates.g]\ncheck = "hallucination.facts"\nat_most = 0.05\n'


def test_a_gate_on_the_bundled_world_is_in_order(tmp_path: Path) -> None:
    check_gate("g", benchmark(tmp_path, WORLD, rest=GATE))


def test_a_gate_on_another_benchmark_is_told_before_anything_is_asked(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError) as told:
        check_gate("g", benchmark(tmp_path, "maps/1", rest=GATE))
    assert str(told.value).partition('gates."g": ')[2] == (
        "hallucination.facts: facts are known of the bundled benchmark's pictures alone, and none of these "
        "items is of it; reviews.hallucination is what people say of replies"
    )


def test_named_in_the_upgrade_it_decides(tmp_path: Path) -> None:
    made = benchmark(tmp_path, WORLD, rest='[upgrade]\nmargin = { "hallucination.facts" = 0.1 }\n')
    check_names(made)
    (one,) = (each for each in comparisons(made) if each.check.name == "hallucination.facts")
    assert (one.decides, one.margin) == (True, 0.1)


JUDGES = """[tool.pytest-mllm-judge.judges.honest]
kind = "reference"
[tool.pytest-mllm-judge.judges.invents]
kind = "reference"
dials = { hallucination = 0.2 }
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A third of the bundled benchmark with a gate on facts, and with facts to decide an upgrade."""
    (pytester.path / "pyproject.toml").write_text(JUDGES, encoding="utf-8")
    folder = pytester.path / "shapes"
    shutil.copytree(SHAPES / "images", folder / "images")
    lines = (SHAPES / "items.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / "items.jsonl").write_text("".join(lines[::3]), encoding="utf-8")
    upgrade = '[upgrade]\nmargin = { "hallucination.facts" = 0.05, score = 0.5, pair = 0.3, batch = 0.3 }\n'
    head = 'format = "mllm-judge/1"\nname = "shapes"\nitems = "items.jsonl"\n'
    (folder / "benchmark.toml").write_text(head + GATE + upgrade, encoding="utf-8")
    return pytester


def test_gate_and_upgrade_find_the_dial_in_a_whole_run(project: pytest.Pytester) -> None:
    run = ("-q", "-p", "no:randomly", "-m", "judge_gate", "shapes")
    found = project.runpytest("--judge=invents", "--judge-baseline=honest", *run)
    found.stdout.fnmatch_lines(
        [
            "  fails * g * hallucination.facts at most 0.05: 0.2*",
            "  fails * hallucination.facts * hallucination.facts, difference at most 0.05: 0.2*",
        ]
    )
    held = project.runpytest("--judge=honest", *run)
    held.stdout.fnmatch_lines(["  holds * g * hallucination.facts at most 0.05: 0.000 (0.000 to 0.02*"])
    assert held.ret == pytest.ExitCode.OK


def test_beside_an_approval_nothing_is_decided_since_it_holds_no_reply(project: pytest.Pytester) -> None:
    run = ("-q", "-p", "no:randomly", "-m", "judge_gate", "--judge=honest", "shapes")
    assert project.runpytest(*run).ret == pytest.ExitCode.OK
    assert main(["approve", "honest", "--reason", "in use"]) == 0
    result = project.runpytest(*run)
    result.stdout.fnmatch_lines(
        [
            "undecided: hallucination.facts, difference may or may not be at most 0.05",
            "*nothing is decided: none of these judgements has a reply, and facts to hold it against",
        ]
    )
