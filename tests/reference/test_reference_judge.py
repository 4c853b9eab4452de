"""The embedded judge looks at the pixels, and errs only where it is told to."""

from __future__ import annotations

import shutil
import statistics
import time
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from pytest_mllm_judge.errors import JudgeError, SettingsError
from pytest_mllm_judge.judging.judge import Context
from pytest_mllm_judge.judging.registry import build
from pytest_mllm_judge.model import Item, Judgement, PairTask, Picture, Response, ScoreTask, Tasks, Text
from pytest_mllm_judge.reference.dials import Dials
from pytest_mllm_judge.reference.draw import png
from pytest_mllm_judge.reference.judge import ReferenceJudge, ReferenceSettings
from pytest_mllm_judge.reference.scene import COLOURS, scene

from .conftest import MakeJudge


def ask(judge: ReferenceJudge, item: Item, repeat: int = 0) -> Judgement:
    question = judge.question(item, repeat=repeat)
    return judge.read(question, judge.ask(question))


def made(folder: Path, *texts: str, source: str = "circles") -> Item:
    """An item about the first picture of a source, in a folder of its own."""
    (folder / "one.png").write_bytes(png(scene(source, 1)))
    return Item(
        id="one",
        task="score" if len(texts) == 1 else "pair",
        instruction="What do you see?",
        responses=tuple(Response(text=text) for text in texts),
        images=("one.png",),
        fields={"world": "shapes/1"},
        folder=folder,
    )


def test_without_faults_every_verdict_is_the_label(items: list[Item], make_judge: MakeJudge) -> None:
    judge = make_judge()
    judge.check(items)
    wrong = [item.id for item in items if ask(judge, item).verdict != item.human[0]]  # type: ignore[index]
    assert wrong == []


def test_every_verdict_is_the_label_on_jpegs_of_quality_90(
    items: list[Item], make_judge: MakeJudge, tmp_path: Path
) -> None:
    (tmp_path / "images").mkdir()
    for address in {item.images[0] for item in items}:
        with Image.open((items[0].folder or tmp_path) / address) as picture:
            picture.convert("RGB").save(tmp_path / address, "JPEG", quality=90)
    judge = make_judge()
    moved = [item.model_copy(update={"folder": tmp_path}) for item in items]
    assert [item.id for item in moved if ask(judge, item).verdict != item.human[0]] == []  # type: ignore[index]


def test_a_verdict_takes_less_than_five_milliseconds(items: list[Item], make_judge: MakeJudge) -> None:
    judge = make_judge()
    times = []
    for item in items[:200]:
        start = time.perf_counter()
        ask(judge, item)
        times.append(time.perf_counter() - start)
    assert statistics.median(times) < 0.005


def test_labels_names_and_metadata_do_not_matter(
    items: list[Item], make_judge: MakeJudge, tmp_path: Path
) -> None:
    judge = make_judge()
    for item in items[40:60]:
        shutil.copy((item.folder or tmp_path) / item.images[0], tmp_path / "x.bin")
        stripped = Item(
            id="x",
            task=item.task,
            instruction=item.instruction,
            responses=tuple(Response(text=response.text) for response in item.responses),
            images=("x.bin",),
            folder=tmp_path,
        )
        assert ask(judge, stripped).verdict == ask(judge, item).verdict


def test_repainting_one_circle_changes_the_verdict(make_judge: MakeJudge, tmp_path: Path) -> None:
    drawn = scene("circles", 1)
    first = drawn.marks[0]
    number = sum(mark.colour == first.colour for mark in drawn.marks)
    item = made(
        tmp_path,
        f"I count {number} {first.colour} circles.",
        f"I count {number - 1} {first.colour} circles.",
    )
    judge = make_judge()
    assert ask(judge, item).verdict == "A"
    other = next(colour for colour in COLOURS if colour != first.colour)
    repainted = replace(drawn, marks=(replace(first, colour=other), *drawn.marks[1:]))
    (tmp_path / "one.png").write_bytes(png(repainted))
    assert ask(judge, item).verdict == "B"


def test_a_blank_picture_is_not_judged_as_the_one_that_was_drawn(
    items: list[Item], make_judge: MakeJudge, tmp_path: Path
) -> None:
    judge = make_judge()
    (tmp_path / "images").mkdir()
    for address in {item.images[0] for item in items}:
        Image.new("RGB", (200, 150), "white").save(tmp_path / address)
    blank = [item.model_copy(update={"folder": tmp_path}) for item in items]
    right = [ask(judge, item).verdict == item.human[0] for item in blank]  # type: ignore[index]
    assert sum(right) / len(right) < 0.5
    assert "I see nothing that the answers could be about." in (ask(judge, blank[0]).reply or "")


def test_the_analysis_names_the_claims_that_the_picture_contradicts(
    make_judge: MakeJudge, tmp_path: Path
) -> None:
    number = len(scene("circles", 1).marks)
    item = made(tmp_path, f"There are {number} circles. There are 3 bars.")
    judgement = ask(make_judge(), item)
    assert judgement.fields["Analysis"] == (
        f"I see {number} circles. The answer: the picture contradicts 1 of 2 claims: “There are 3 bars”."
    )
    assert judgement.verdict == 4
    assert judgement.usage is not None


def test_an_answer_that_claims_nothing_is_the_worst(make_judge: MakeJudge, tmp_path: Path) -> None:
    item = made(tmp_path, "What a fine picture!", "There are 99 bars.")
    assert ask(make_judge(), item).verdict == "B"
    assert ask(make_judge(), made(tmp_path, "What a fine picture!")).verdict == 1


def test_planted_noise_of_15_percent_leaves_about_85_percent_right(
    items: list[Item], make_judge: MakeJudge
) -> None:
    judge = make_judge(noise=0.15, seed=7)
    right = sum(ask(judge, item).verdict == item.human[0] for item in items)  # type: ignore[index]
    assert abs(right / len(items) - 0.85) <= 3 * (0.15 * 0.85 / len(items)) ** 0.5


def test_planted_slot_bias_moves_pairs_to_the_first_answer(items: list[Item], make_judge: MakeJudge) -> None:
    pairs = [item for item in items if item.task == "pair"]
    counts = {}
    for bias in (-0.3, 0.0, 0.3):
        judge = make_judge(slot_bias=bias)
        counts[bias] = sum(ask(judge, item).verdict == "A" for item in pairs)
    assert counts[-0.3] < 0.8 * counts[0.0] < counts[0.0] < 0.8 * counts[0.3]


def test_planted_refusals_are_refusals_and_no_verdicts(items: list[Item], make_judge: MakeJudge) -> None:
    judgement = ask(make_judge(refusals=1), items[0])
    assert (judgement.verdict, judgement.problem) == (None, "refused")
    assert judgement.reply == "I'm sorry, but I can't judge these answers."


def test_planted_unsteadiness_shows_between_repeats(items: list[Item], make_judge: MakeJudge) -> None:
    judge = make_judge(reask=0.5)
    differ = [ask(judge, item).verdict != ask(judge, item, repeat=1).verdict for item in items[:200]]
    assert 0.35 < sum(differ) / len(differ) < 0.65


def test_the_question_holds_the_item_and_the_dials_that_are_set(
    items: list[Item], make_judge: MakeJudge
) -> None:
    item = items[40]
    question = make_judge(noise=0.1).question(item, repeat=2)
    assert question.model == "reference"
    assert question.settings == {"noise": 0.1}
    assert question.repeat == 2
    picture, text = question.messages[0].parts
    assert isinstance(picture, Picture)
    assert picture.file == (item.folder or Path()) / item.images[0]
    assert isinstance(text, Text)
    assert text.text.splitlines()[0] == "[The user's instruction]"


def test_the_registry_builds_it_with_dials(items: list[Item]) -> None:
    judge = build("mine", {"mine": {"kind": "reference", "dials": {"refusals": 1}}}, Context())
    question = judge.question(items[0])
    assert judge.read(question, judge.ask(question)).problem == "refused"


def test_an_item_of_another_world_is_refused(items: list[Item], make_judge: MakeJudge) -> None:
    foreign = items[0].model_copy(update={"id": "cats-1", "fields": {}})
    with pytest.raises(SettingsError) as caught:
        make_judge().check([items[1], foreign])
    assert str(caught.value) == (
        "judge 'reference' (kind reference) judges only what its own generator drew: "
        'item \'cats-1\' has no "world": "shapes/1"'
        "\n  Name another judge, or draw that benchmark: python -m pytest_mllm_judge init shapes DIR"
    )


@pytest.mark.parametrize(
    ("tasks", "why"),
    [
        (Tasks(score=ScoreTask(scale=(0, 1))), "its scale is not 1 to 5, or has criteria"),
        (Tasks(score=ScoreTask(criteria=("SC",))), "its scale is not 1 to 5, or has criteria"),
        (Tasks(pair=PairTask(labels=("A", "B"))), "its pair labels are not A, B and tie"),
    ],
)
def test_a_benchmark_with_other_labels_is_refused(items: list[Item], tasks: Tasks, why: str) -> None:
    judge = ReferenceJudge("reference", ReferenceSettings(dials=Dials()), Context(tasks=tasks))
    with pytest.raises(SettingsError) as caught:
        judge.check(items)
    assert str(caught.value) == (
        f"judge 'reference' (kind reference) judges only what its own generator drew: {why}"
        "\n  Name another judge, or draw that benchmark: python -m pytest_mllm_judge init shapes DIR"
    )


def test_two_pictures_are_a_judges_error(make_judge: MakeJudge, tmp_path: Path) -> None:
    item = made(tmp_path, "There are 3 bars.").model_copy(update={"images": ("one.png", "one.png")})
    with pytest.raises(JudgeError) as caught:
        ask(make_judge(), item)
    assert str(caught.value) == (
        "judge 'reference', item 'one': the shapes world has one picture a question, got 2"
    )
