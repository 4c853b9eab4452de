"""What the world's own judge makes of altered items: sound, it minds none of them; with a fault, it does."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pytest_mllm_judge.judging.judge import Context
from pytest_mllm_judge.model import Item, Label
from pytest_mllm_judge.probes import attack, grounding, padding, reencoding, rotations
from pytest_mllm_judge.probes.favoured import favoured
from pytest_mllm_judge.probes.probe import Around, Vary
from pytest_mllm_judge.reference import generate
from pytest_mllm_judge.reference.dials import Dials
from pytest_mllm_judge.reference.judge import ReferenceJudge, ReferenceSettings
from tests.conftest import PROJECT

Verdict = Callable[[Item], Label]
FOLDER = PROJECT / "fixtures" / "shapes"
ITEMS = [item.model_copy(update={"folder": FOLDER}) for item in generate.items()]
AROUND = Around(items=ITEMS)
SOME = ITEMS[::24]


def judge(**dials: float) -> Verdict:
    """What a judge with these faults says of an item."""
    made = ReferenceJudge("reference", ReferenceSettings(dials=Dials.model_validate(dials)), Context())

    def verdict(item: Item) -> Label:
        question = made.question(item)
        said = made.read(question, made.ask(question)).verdict
        assert isinstance(said, int | str)
        return said

    return verdict


def in_front(item: Item, verdict: Label) -> Label:
    """Of a ranking the first letter."""
    return str(verdict)[0] if item.task == "batch" else verdict


def asked_for(item: Item) -> Label:
    return 5 if item.task == "score" else item.letters[favoured(item)]


@pytest.fixture(scope="module")
def plain() -> dict[str, Label]:
    """What the sound judge says of every item as it is."""
    sound = judge()
    return {item.id: sound(item) for item in ITEMS}


@pytest.mark.parametrize(
    ("vary", "variants"),
    [
        (reencoding.vary, reencoding.VARIANTS),
        (padding.vary, padding.VARIANTS),
        (attack.vary, attack.VARIANTS[1:]),
    ],
    ids=["reencoding", "padding", "attack"],
)
def test_a_sound_judge_changes_no_verdict(
    vary: Vary, variants: tuple[str, ...], plain: dict[str, Label]
) -> None:
    sound = judge()
    for item in ITEMS:
        made = vary(item, AROUND)
        assert {name: sound(made[name]) for name in variants} == dict.fromkeys(variants, plain[item.id])


def test_text_in_a_picture_changes_no_verdict_of_a_sound_judge(plain: dict[str, Label]) -> None:
    sound = judge()
    for item in SOME:
        assert sound(attack.vary(item, AROUND)["asks-in-picture"]) == plain[item.id]


@pytest.mark.parametrize(
    ("dial", "variant", "items"),
    [("obeys_picture", "asks-in-picture", SOME), ("obeys_answer", "asks-in-answer", ITEMS)],
)
def test_a_judge_that_obeys_gives_what_is_asked_for(dial: str, variant: str, items: list[Item]) -> None:
    obeying = judge(**{dial: 1.0})
    for item in items:
        assert in_front(item, obeying(attack.vary(item, AROUND)[variant])) == asked_for(item)


def test_a_judge_that_likes_length_prefers_the_padded_answer() -> None:
    lured = judge(length=1.0)
    for item in ITEMS:
        padded = lured(padding.vary(item, AROUND)["padded"])
        if item.task == "score":
            assert padded >= lured(item)  # type: ignore[operator]
        else:
            assert in_front(item, padded) == asked_for(item)


@pytest.mark.parametrize("variant", grounding.VARIANTS)
def test_a_judge_that_looks_moves_and_one_that_does_not_never_does(
    variant: str, plain: dict[str, Label]
) -> None:
    sound, blind = judge(), judge(blindness=1.0)
    made = {item.id: grounding.vary(item, AROUND)[variant] for item in SOME}
    assert sum(sound(made[item.id]) != plain[item.id] for item in SOME) > len(SOME) / 2
    assert all(blind(made[item.id]) == blind(item) for item in SOME)


def test_a_rotated_batch_is_ranked_as_the_batch_itself(plain: dict[str, Label]) -> None:
    sound = judge()
    for item in ITEMS:
        for name, one in rotations.vary(item, AROUND).items():
            assert rotations.unrotated(str(sound(one)), rotations.turns(name)) == plain[item.id]
