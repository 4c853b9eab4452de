"""A judge that says the same of everything, and gates on biases."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_mllm_judge import bias, load
from pytest_mllm_judge.errors import BenchmarkError
from pytest_mllm_judge.metrics.gates import check_gate
from tests.metrics.bias_worlds import FLIP, outcomes, pairs
from tests.metrics.figures import judged

SETS = 100
ERROR = 2 * (0.05 * 0.95 / SETS) ** 0.5


def test_it_is_the_commonest_verdict_s_share_less_that_of_the_commonest_label() -> None:
    """Humans say A in 8 of 20, the judge A in 15: .75 - .4; which label it is does not matter."""
    humans = ["A"] * 8 + ["B"] * 6 + ["tie"] * 6
    estimate = bias.constant(judged("pair", list(zip(humans, ["B"] * 15 + ["A"] * 5, strict=True))))
    assert estimate.value == pytest.approx(0.75 - 0.4)
    assert [(each.name, each.value, each.about) for each in estimate.beside] == [
        ("judge", 0.75, "the commonest verdict, B"),
        ("humans", 0.4, "the commonest label, A"),
    ]


def test_one_verdict_for_all_fails_however_often_it_is_right() -> None:
    rows = [("A", "A")] * 70 + [("B", "A")] * 30
    estimate = bias.constant(judged("pair", rows))
    assert estimate.value == pytest.approx(0.3)
    assert (estimate <= 0.1).outcome == "fails"


def test_a_problem_counts_as_the_commonest_verdict() -> None:
    rows = [("A", "A")] * 10 + [("B", "B")] * 10
    lost = [*rows[:16], *[("B", None)] * 4]
    assert bias.constant(judged("pair", rows)).value == 0
    estimate = bias.constant(judged("pair", lost))
    assert estimate.value == pytest.approx(14 / 20 - 0.5)
    assert estimate.problems == {"refused": 4}


def test_scores_have_it_too_and_the_baseline_s_is_subtracted() -> None:
    rows = [(1 + place % 5, 1 + place % 5) for place in range(60)]
    old, new = judged("score", rows), judged("score", [(human, 3) for human, _ in rows])
    assert bias.constant(new).metric == "score.constant"
    assert ((bias.constant(new) - bias.constant(old)) <= 0.1).outcome == "fails"


def test_a_noisy_judge_is_not_called_constant() -> None:
    """100 sets of 100 pairs, humans divided, so that either label may be the commonest."""
    found = outcomes(bias.constant, lambda rng: pairs(rng, 100), margin=0.1, sets=SETS)
    assert found["fails"] <= 0.05 + ERROR


def test_a_share_at_the_margin_is_seldom_shown_to_be_less() -> None:
    """100 sets of 150: humans say A in .6, the judge takes the first slot so often that it does in .7."""
    fair = 0.6 * (1 - FLIP) + 0.4 * FLIP
    found = outcomes(
        bias.constant,
        lambda rng: pairs(rng, 150, slot=(0.7 - fair) / (1 - fair), first_is_better=0.6),
        margin=0.1,
        sets=SETS,
    )
    assert found["holds"] <= 0.05 + ERROR


ITEM = '{{"id": "p{n:03}", "task": "pair", "responses": [{first}, {second}], "human": "{human}"}}\n'
SIDES = ('{"text": "longer", "author": "gpt-4"}', '{"text": "short", "author": "llava"}')


def write(folder: Path, gate: str, *, swap: bool = False, mixed: bool = True) -> Path:
    lines = []
    for n in range(300):
        first, second = SIDES if not mixed or n % 2 else SIDES[::-1]
        lines.append(ITEM.format(n=n, first=first, second=second, human="AB"[n // 2 % 2]))
    (folder / "items.jsonl").write_text("".join(lines), encoding="utf-8")
    probes = "[probes]\nposition = true\n" if swap else ""
    (folder / "benchmark.toml").write_text(
        f'format = "mllm-judge/1"\nitems = "items.jsonl"\n{probes}[gates.g]\n{gate}\n', encoding="utf-8"
    )
    return folder


@pytest.mark.parametrize(
    ("gate", "swap"),
    [
        ('check = "pair.position"\nwithin = 0.05', True),
        ('check = "pair.length"\nwithin = 0.05', False),
        ('check = "pair.self_preference"\nat_most = 0.05\nfamily = "gpt"', False),
        ('check = "pair.self_preference"\nat_most = 0.05', False),
        ('check = "pair.constant"\nat_most = 0.1', False),
    ],
)
def test_a_gate_that_some_judge_could_pass_is_in_order(tmp_path: Path, gate: str, swap: bool) -> None:
    check_gate("g", load(write(tmp_path, gate, swap=swap)))


@pytest.mark.parametrize(
    ("gate", "mixed", "what"),
    [
        (
            'check = "pair.position"\nwithin = 0.05',
            True,
            "pair.position needs pairs asked in both orders: say [probes] position = true",
        ),
        (
            'check = "pair.self_preference"\nat_most = 0.05\nfamily = "gpt"',
            False,
            "no judge could pass pair.self_preference at most 0.05 on these 300 items\n"
            "  Nothing can be decided on them: the judge's own family stands first in 300 of 300 pairs, and "
            "a liking for that slot would look the same: ask both orders, by [probes] position = true.",
        ),
        (
            'check = "pair.length"\nwithin = 0.05\nfamily = "gpt"',
            True,
            "pair.length takes no family (it takes annotators, average, by)",
        ),
    ],
)
def test_a_gate_that_can_t_be_decided_here_is_told_before_anything_is_asked(
    tmp_path: Path, gate: str, mixed: bool, what: str
) -> None:
    folder = write(tmp_path, gate, mixed=mixed)
    with pytest.raises(BenchmarkError) as told:
        check_gate("g", load(folder))
    assert str(told.value).partition('gates."g": ')[2] == what
