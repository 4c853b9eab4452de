"""The drawn benchmark: the same every time, and fair by construction."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from statistics import mean

import pytest

from pytest_mllm_judge.benchmarks.loading import load
from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.model import Item
from pytest_mllm_judge.reference import WORLD, generate
from pytest_mllm_judge.reference.opinion import check
from pytest_mllm_judge.reference.scene import SOURCES, scene

DRAWN = ("README.md", "benchmark.toml", "items.jsonl")


def files(folder: Path) -> dict[str, bytes]:
    """What the generator wrote, without what recording adds beside it."""
    found = [folder / name for name in DRAWN] + sorted((folder / "images").iterdir())
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in found}


def errors_of(item: Item) -> list[int]:
    errors = item.fields["errors"]
    assert isinstance(errors, list)
    return [error for error in errors if isinstance(error, int)]


def answers(items: list[Item]) -> list[tuple[int, str, str]]:
    """Errors, author and text of every answer."""
    return [
        (errors, response.author or "", response.text or "")
        for item in items
        for errors, response in zip(errors_of(item), item.responses, strict=True)
    ]


def test_two_drawings_are_the_same_to_the_byte(drawn: Path, tmp_path: Path) -> None:
    generate.write(tmp_path / "again")
    assert files(tmp_path / "again") == files(drawn)


def test_the_committed_benchmark_is_a_new_drawing_to_the_byte(drawn: Path, project: Path) -> None:
    assert files(project / "fixtures" / "shapes") == files(drawn)


def test_it_is_large_enough_and_small_enough(drawn: Path, items: list[Item]) -> None:
    count = Counter(item.task for item in items)
    assert count["score"] >= 150
    assert count["pair"] >= 500
    assert count["batch"] >= 60
    assert len({item.images for item in items}) >= 120
    assert len({item.source for item in items}) >= 5
    assert len({item.id for item in items}) == len(items)
    assert sum(map(len, files(drawn).values())) < 4e6


def test_it_loads_as_a_native_benchmark(drawn: Path, items: list[Item]) -> None:
    benchmark = load(drawn)
    assert list(benchmark.items) == items
    assert len({benchmark.cluster(item) for item in benchmark.items}) == len({item.images for item in items})
    assert len(benchmark.manifest.gates) == 4


def test_every_item_says_which_world_drew_it(items: list[Item]) -> None:
    assert {item.fields["world"] for item in items} == {WORLD}


def test_every_answer_has_the_errors_that_it_was_told_to_make(items: list[Item]) -> None:
    for item in items:
        number = int(item.images[0][-7:-4])
        marks = scene(str(item.source), number).marks
        assert [check(r.text or "", marks).errors for r in item.responses] == item.fields["errors"]


def test_labels_follow_from_the_errors(items: list[Item]) -> None:
    for item in items:
        errors = errors_of(item)
        (label,) = item.labels()
        if item.task == "score":
            assert label == 5 - errors[0]
        elif item.task == "pair":
            assert label == ("tie" if errors[0] == errors[1] else "AB"[errors[1] < errors[0]])
        else:
            assert sorted(errors) == [errors["ABCD".index(letter)] for letter in str(label)]
            assert len(set(errors)) == len(errors)


def test_neither_slot_nor_author_nor_length_says_which_answer_is_better(items: list[Item]) -> None:
    pairs = [item for item in items if item.task == "pair"]
    labels = Counter(item.human[0] for item in pairs)  # type: ignore[index]
    assert labels["A"] == labels["B"]
    everyone = answers(items)
    overall = mean(errors for errors, _, _ in everyone)
    by_author = {author: mean(e for e, a, _ in everyone if a == author) for _, author, _ in everyone}
    assert len(by_author) >= 4
    assert all(abs(errors - overall) < 0.2 for errors in by_author.values()), by_author
    lengths = {errors: mean(len(text) for e, _, text in everyone if e == errors) for errors in range(5)}
    assert max(lengths.values()) < 1.06 * min(lengths.values()), lengths


def test_answers_vary_in_length(items: list[Item]) -> None:
    lengths = sorted(len(text) for _, _, text in answers(items))
    assert lengths[len(lengths) * 9 // 10] > 1.5 * lengths[len(lengths) // 10]


def test_every_source_has_an_anchor_that_is_easy(items: list[Item]) -> None:
    anchors = [item for item in items if item.must]
    assert {item.source for item in anchors} == set(SOURCES)
    assert {tuple(sorted(errors_of(item))) for item in anchors} == {(0, 4)}


def test_the_readme_says_that_nobody_labelled_it(drawn: Path) -> None:
    text = (drawn / "README.md").read_text(encoding="utf-8")
    assert "**The labels hold by construction, not by annotators.**" in text
    assert text.startswith(
        "# The shapes benchmark\n\n775 items (200 score, 500 pair, 75 batch) about 125 pictures"
    )


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(SettingsError) as caught:
        generate.write(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path} is not an empty folder; the shapes benchmark is only drawn into a new or empty one"
        "\n  Name another folder, or remove this one first."
    )
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    generate.write(tmp_path)
    assert (tmp_path / "benchmark.toml").is_file()
