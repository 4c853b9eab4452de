"""What the simulation of probes takes for true agrees with what it draws; what it prints, with its counts."""

from __future__ import annotations

from collections import Counter

import pytest

from pytest_mllm_judge.metrics import CHECKS
from pytest_mllm_judge.probes.rotations import turns, unrotated
from pytest_mllm_judge.probes.variants import SWAPPED, turned
from tests.benchmarks.probes import asked as asking
from tests.benchmarks.probes import report
from tests.benchmarks.probes.asked import FAIR, Asks, DataSet, thirds
from tests.benchmarks.probes.beside import FAIR as NOISY
from tests.benchmarks.probes.beside import estimate
from tests.benchmarks.probes.cells import Block, Cell, Trial, count, decided
from tests.benchmarks.probes.claimed import claims
from tests.benchmarks.probes.expected import moved_by
from tests.benchmarks.probes.faults import FAULTS, REASK, Judge, said
from tests.benchmarks.probes.population import ANSWERS, Population
from tests.benchmarks.probes.run import blocks, crossed, own
from tests.benchmarks.probes.shown import AGAIN, PLAIN, ROTATED, shown
from tests.benchmarks.probes.sizes import Sized, Truth, solved

EVERY = tuple(dict.fromkeys(variant for one in claims().values() for variant in one.asks.variants))
TRUTH = Truth(fair=0.0, margin=Sized(size=0.05, figure=0.05), three=Sized(size=0.15, figure=0.15))


def judged(judge: Judge, variants: tuple[str, ...], n: int = 60) -> list[object]:
    some = DataSet(3).judgements(judge, Asks(variants), n)
    return [(one.item.id, one.variant, one.repeat, one.verdict, tuple(one.fields.items())) for one in some]


@pytest.mark.parametrize("fault", FAULTS)
def test_what_a_fault_is_said_not_to_touch_it_does_not_touch(
    fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = Judge(fault, 0.3)
    short = judged(judge, EVERY)
    monkeypatch.setattr(Judge, "spares", lambda *_: False)
    if FAULTS[fault].says is None:  # of a fault beside the dials that is what it is
        monkeypatch.setattr(Judge, "touches", lambda *_: True)
    assert judged(judge, EVERY) == short
    assert short != judged(FAIR, EVERY)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_no_size_is_a_fair_judge(fault: str) -> None:
    assert judged(Judge(fault, 0.0), EVERY) == judged(FAIR, EVERY)


def test_a_fault_beside_the_dials_leaves_noise_and_unsteadiness_as_the_dials_make_them() -> None:
    questions = [shown(case, PLAIN) for case in Population(1, seed=1).cases("pair", 200)]
    beside = Judge("likes markdown", 0.5)
    assert [beside.says(each) for each in questions] == [
        said(FAIR.dials, each, each.truth) for each in questions
    ]


def test_two_asks_differ_as_often_as_is_said() -> None:
    some = DataSet(5).judgements(FAIR, Asks((PLAIN, AGAIN)), 6_000)
    verdicts: dict[str, list[object]] = {}
    for one in some:
        verdicts.setdefault(one.item.id, []).append(one.verdict)
    differ = sum(first != second for first, second in verdicts.values()) / len(verdicts)
    assert differ == pytest.approx(REASK, abs=3 * (REASK * (1 - REASK) / len(verdicts)) ** 0.5)


def test_what_is_right_in_another_order_is_the_same_answer() -> None:
    for case in Population(2, seed=1).cases("batch", 20):
        for variant in ROTATED:
            assert unrotated(str(shown(case, variant).truth), turns(variant)) == case.truth
    for case in Population(2, seed=1).cases("pair", 20):
        assert turned(shown(case, SWAPPED).truth) == case.truth
        assert shown(case, SWAPPED).lures.doublings == case.doublings[::-1]


def test_the_items_of_a_mixed_benchmark_are_a_third_of_each_task() -> None:
    assert thirds(500) == {"score": 166, "pair": 167, "batch": 167}
    assert sum(thirds(500).values()) == 500
    some = DataSet(1).judgements(FAIR, Asks((PLAIN,)), 500)
    assert Counter(one.item.task for one in some) == thirds(500)
    assert {task: len(one.item.responses) for one in some for task in [one.item.task]} == ANSWERS


def test_a_data_set_is_the_same_whoever_is_asked_before_and_of_how_many_items() -> None:
    one, other = DataSet(9), DataSet(9)
    asks, judge = Asks((PLAIN, SWAPPED), "pair"), Judge("slot bias", 0.2)
    one.judgements(FAIR, asks, 100)
    one.judgements(Judge("length", 0.4), asks, 300)
    first, second = (list(data.judgements(judge, asks, 200)) for data in (one, other))
    assert first == second
    assert list(one.judgements(judge, asks, 50))[:50] == second[:50]


def test_judgements_that_are_all_alike_are_the_fair_judge_s_very_own() -> None:
    data, asks = DataSet(4), Asks((PLAIN,), "score")
    assert data.judgements(Judge("slot bias", 0.5), asks, 50) is data.judgements(FAIR, asks, 50)
    assert data.judgements(Judge("leniency", 0.5), asks, 50) is not data.judgements(FAIR, asks, 50)


def test_counts_are_the_outcomes_of_the_public_claims() -> None:
    trials = (Trial("score.leniency"), Trial("score.leniency", "leniency", 0.3))
    block = Block(Cell(100), 2, 5, trials)
    _, counts = count(block, truths={"score.leniency": TRUTH})
    for trial in trials:
        outcomes = Counter[str]()
        for number in range(2, 5):
            judgements = DataSet(number).judgements(trial.judge, Asks((PLAIN,), "score"), 100)
            outcomes[CHECKS["score.leniency"](judgements).within(0.25).outcome] += 1
        assert {name: counts[str(trial)][name] for name in outcomes} == outcomes
        assert counts[str(trial)]["sets"] == 3


def test_a_check_that_reads_nothing_new_says_what_it_said_of_the_fair_judge() -> None:
    trials = (Trial("score.leniency"), Trial("score.leniency", "slot bias", 0.5))
    found = list(decided(1, Block(Cell(50), 1, 2, trials), {"score.leniency": TRUTH}))
    assert [alike for *_, alike in found] == [False, True]
    assert len({outcome for _, outcome, _ in found}) == 1


def test_a_size_is_solved_for_or_the_largest_is_taken() -> None:
    found = solved(lambda size: 0.1 + size**2, 0.1, 0.35, most=1.0)
    assert found.reached
    assert found.size == pytest.approx(0.5, abs=1e-3)
    assert solved(lambda size: 0.8 - 0.3 * size, 0.8, 0.1, most=1.0) == Sized(
        size=1.0, figure=0.5, reached=False
    )
    with pytest.raises(ValueError, match=r"no size up to 1\.0 has the figure 0\.2"):
        solved(lambda size: float(size > 0.33), 0.0, 0.2, most=1.0)


def test_every_fault_is_looked_for_and_every_exception_names_a_fault_and_a_check() -> None:
    assert {one.fault for one in claims().values()} == set(FAULTS)
    for fault in FAULTS:
        for check in claims():
            assert claims()[check].fault != fault or len(moved_by(fault, check).split()) != 1
    assert moved_by("slot bias", "consistency.orders")
    assert not moved_by("slot bias", "pair.length")


def test_every_pair_of_a_check_and_a_fault_is_asked_for_once() -> None:
    known = dict.fromkeys(("pair.position", "pair.length"), TRUTH)
    assert len(set(own(known))) == 6
    assert len(set(crossed(known)) | set(own(known))) == 8
    starts = [block.start for block in blocks(own(known), Cell(500), 120)]
    assert starts == [0, 50, 100]


def test_the_next_size_is_beside_those_known_until_the_first_that_holds_often_is() -> None:
    grid = (50, 100, 200)
    assert report.next_size({100: 0.9}, grid) == 50
    assert report.next_size({100: 0.5}, grid) == 200
    assert report.next_size({100: 0.5, 200: 0.9}, grid) is None
    assert report.next_size({200: 0.5}, grid) is None


def test_a_rate_beyond_its_aim_is_listed_and_one_that_is_listed_beforehand_is_not() -> None:
    known = dict.fromkeys(("pair.position", "consistency.orders", "score.leniency"), TRUTH)
    fine = Counter(sets=4_000, holds=3_000, undecided=1_000)
    bad = Counter(sets=4_000, fails=3_900, undecided=100)
    results = {str(trial): bad if trial.size == 0.15 else fine for trial in crossed(known)}
    results |= {str(Trial(check)): fine for check in known}
    lines = report.page(results, known, {"pair.position": {400: 0.7, 500: 0.82}}, codes=1)
    missed = [line for line in lines if line.startswith("- `")]
    assert "- `score.leniency` fails on slot bias, sized for `pair.position`, in 0.9750" in "\n".join(missed)
    assert not [line for line in missed if "`consistency.orders` fails on slot bias" in line]
    assert any("| 500 (0.82) |" in line and "`pair.position`" in line for line in lines)
    assert f"{len(missed)} of " in "\n".join(lines)


def test_others_are_asked_about_the_verdicts_that_ours_is() -> None:
    chose = NOISY.drawn(0)
    same_slot = chose[:, 0] == chose[:, 1]
    found = estimate(chose)
    gap = (chose[same_slot, 0] * 2 - 1).sum() / NOISY.n
    assert found.value == pytest.approx(gap)
    assert next(one for one in found.beside if one.name == "conflict").value == pytest.approx(
        same_slot.mean()
    )


def test_the_fair_judge_has_no_fault() -> None:
    assert asking.FAIR.of is None
    assert FAIR.dials.slot_bias == FAIR.dials.leniency == FAIR.dials.blindness == 0
