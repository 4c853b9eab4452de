"""Whether a judge repeats the order that a batch is shown in, and what noise does not do to it."""

from __future__ import annotations

from itertools import permutations, product

import numpy as np
import pytest

from pytest_mllm_judge import bias
from tests.metrics.rotated_worlds import ERROR, SETS, batches, noisy, of, outcomes, shown


def test_a_judge_that_repeats_its_prompts_example_is_found_by_that_example() -> None:
    judgements = batches([["CADB"] * 4] * 20)
    assert bias.echo(judgements).value == 0
    assert bias.echo(judgements, example="CADB").value == 1
    assert bias.echo(judgements, example="CAB").n == 0
    with pytest.raises(TypeError, match=r"two metrics of this name"):
        bias.echo(judgements) - bias.echo(judgements, example="CADB")


def test_echoes_count_less_what_the_order_shown_elsewhere_comes_to() -> None:
    """1, 2 and 4 of four rotations, the others what the rotation by two shows, or another order."""
    rows: list[list[str | None]] = [[*["ABCD"] * n, *["CDAB"] * (4 - n)] for n in (1, 2, 4)]
    rows += [["ABCD", "ABCD", "BACD", "DCBA"]]
    estimate = bias.echo(batches(rows))
    assert estimate.value == pytest.approx(((1 - 3 / 3) + (2 - 2 / 3) + 4 + 2) / 4 / 4)
    echoes, elsewhere = estimate.beside
    assert (echoes.name, echoes.about) == ("echoes", "how often the ranking is the order shown")
    assert echoes.value == pytest.approx(9 / 16)
    assert elsewhere.name == "elsewhere"
    assert elsewhere.about == "how often it is that of one other rotation, which is chance"
    assert elsewhere.value == pytest.approx(5 / 3 / 16)
    by_example = bias.echo(batches([["DABC"] * 4]), example="DABC").beside[0]
    assert (by_example.value, by_example.about) == (1, "how often the ranking is the example's, DABC")


@pytest.mark.parametrize("answers", [2, 3])
@pytest.mark.parametrize("truth", [0, 1, -1])
def test_a_judge_that_minds_no_place_comes_to_exactly_0_by_enumeration(answers: int, truth: int) -> None:
    """It says one ranking of the answers three times as often as any other; all it may say, so weighted."""
    letters = "ABC"[:answers]
    rankings = ["".join(order) for order in permutations(letters)]
    says = [*rankings, *[rankings[truth]] * 2]
    every = [
        [shown(said, turn, letters) for turn, said in enumerate(row)] for row in product(says, repeat=answers)
    ]
    estimate = bias.echo(of(answers, every))
    assert estimate.value == pytest.approx(0, abs=1e-12)
    assert estimate.n == len(says) ** answers
    (echoes, elsewhere) = estimate.beside
    assert echoes.value == pytest.approx(elsewhere.value)
    assert (echoes.value or 0) > 0
    half = [[letters] * answers for _ in every]
    assert bias.echo(of(answers, [*every, *half])).value == pytest.approx(1 / 2)


def noisy_two(rng: np.random.Generator, noise: float) -> list[list[str]]:
    """60 batches of two by a judge that turns a ranking round in such a share of its asks."""
    truth = rng.integers(0, 2, (60, 1))
    said = (truth + [[0, 1]] + (rng.random((60, 2)) < noise)) % 2
    return [[["AB", "BA"][one] for one in row] for row in said.tolist()]


@pytest.mark.parametrize("noise", [0.1, 0.3, 0.5])
def test_noise_is_no_echo_even_of_two_answers(noise: float) -> None:
    rng = np.random.default_rng(5)
    found = [bias.echo(of(2, noisy_two(rng, noise))) for _ in range(SETS)]
    assert sum((each <= 0.05).outcome == "fails" for each in found) / SETS <= 0.05 + ERROR
    assert abs(np.mean([each.value for each in found])) <= 2 * (2 * noise * (1 - noise) / 60 / SETS) ** 0.5


def test_a_noisy_judge_that_echoes_at_times_comes_to_how_often() -> None:
    assert outcomes(bias.echo, 0.05, 0.05)["fails"] <= 0.05 + ERROR
    rng = np.random.default_rng(12)
    found = bias.echo(batches(noisy(rng, 2_000, echo=0.15)))
    assert found.value == pytest.approx(0.15, abs=0.01)
    assert (found <= 0.05).outcome == "fails"
