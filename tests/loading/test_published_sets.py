"""MLLM-as-a-Judge, GenAI-Bench and VIEScore as they were released."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_mllm_judge.benchmarks import Benchmark
from pytest_mllm_judge.errors import BenchmarkError
from pytest_mllm_judge.model import Item
from tests.loading.conftest import MEND, Folder, pair_item

Load = Callable[..., Benchmark]

SAMPLES = {
    "benchmark_batch.jsonl": ("batch", 5),
    "benchmark_pair.jsonl": ("pair", 10),
    "benchmark_score.jsonl": ("score", 15),
    "hard_pair.jsonl": ("pair", 5),
    "hard_score.jsonl": ("batch", 4),
    "hq_batch.jsonl": ("batch", 8),
    "hq_pair.jsonl": ("pair", 12),
    "hq_score.jsonl": ("score", 15),
    "pair_lite.jsonl": ("pair", 7),
    "raw_batch_gemini.jsonl": ("batch", 5),
    "raw_batch_gpt4v.jsonl": ("batch", 4),
    "raw_pair_cogvlm.jsonl": ("pair", 10),
    "raw_pair_llava.jsonl": ("pair", 10),
    "raw_score_cogvlm.jsonl": ("score", 14),
    "raw_score_gpt4v.jsonl": ("score", 6),
    "raw_score_llava.jsonl": ("score", 6),
}
LABELLED = {name for name in SAMPLES if name.startswith(("benchmark", "hq", "pair_lite"))}


def rows(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_the_table_names_every_sample_file(shared: Path) -> None:
    assert {file.name for file in (shared / "mllm_judge_samples").glob("*.jsonl")} == SAMPLES.keys()


@pytest.mark.parametrize("name", SAMPLES)
def test_every_sample_file_loads_whole(shared: Path, load_path: Load, name: str) -> None:
    file = shared / "mllm_judge_samples" / name
    benchmark = load_path(file)
    task, count = SAMPLES[name]
    assert [item.task for item in benchmark.items] == [task] * count
    assert all(bool(item.human) == (name in LABELLED) for item in benchmark.items)
    for item, row in zip(benchmark.items, rows(file), strict=True):
        assert item.fields["picture"] == row["id"]
        assert item.images == (row["image_path"].removeprefix("image/"),)
        assert item.source == row["original_dataset"]
        assert item.instruction == row["instruction"]
        assert [(r.author, r.text) for r in item.responses] == answers(row)
        recorded: Any = item.fields.get("recorded", {})
        assert recorded == {key: row[key] for key in recorded}
        assert {"result", "result1", "result2", "evaluator", "gpt_output"} & row.keys() == set(recorded)


def answers(row: dict[str, Any]) -> list[tuple[str, str]]:
    if isinstance(row.get("answer"), str):
        return [(row["name"], row["answer"])]
    keys = ["answer", "answer0", "answer1", "answer2", "answer3"]
    listed = row.get("answers") or [row[key] for key in keys if key in row]
    return [(answer["name"], answer["answer"]) for answer in listed]


def test_all_sample_files_load_as_one_folder(shared: Path, load_path: Load) -> None:
    benchmark = load_path(shared / "mllm_judge_samples")
    assert len(benchmark.items) == sum(count for _, count in SAMPLES.values()) == 136
    repeats = Counter(item.id.rpartition("~")[0] for item in benchmark.items if "~" in item.id)
    assert repeats["score-100-llava"] == 4
    assert benchmark.item("score-100-llava").human == (3,)
    recorded: Any = benchmark.item("score-100-llava~2").fields["recorded"]
    assert recorded["result"]["judge"] == "4"


def test_ids_are_made_of_the_picture_and_the_authors(shared: Path, load_path: Load) -> None:
    ids = {item.id for item in load_path(shared / "mllm_judge_samples").items}
    assert {"score-100-llava", "pair-0-llava-cogvlm", "batch-200", "pair-0-gpt4-gemini"} <= ids


def test_files_of_one_picture_share_a_cluster(shared: Path, load_path: Load) -> None:
    benchmark = load_path(shared / "mllm_judge_samples")
    assert benchmark.cluster(benchmark.item("batch-200")) == "path:200.jpg"
    assert benchmark.cluster(benchmark.item("batch-200~2")) == "path:200.jpg"


def test_numeric_text_and_c_are_read_as_labels(shared: Path, load_path: Load) -> None:
    folder = shared / "mllm_judge_samples"
    scores = load_path(folder / "benchmark_score.jsonl")
    assert all(type(item.human[0]) is int for item in scores.items if isinstance(item.human, tuple))
    pairs = load_path(folder / "hq_pair.jsonl")
    labels = Counter(item.labels()[0] for item in pairs.items)
    assert labels == Counter(A=8, B=3, tie=1)


def test_three_answers_and_another_picture_number_survive(shared: Path, load_path: Load) -> None:
    benchmark = load_path(shared / "mllm_judge_samples" / "hard_score.jsonl")
    assert benchmark.item("batch-862").letters == "ABC"
    assert benchmark.item("batch-1605").images == ("1402.jpg",)


def record(**changes: Any) -> dict[str, Any]:
    base = {"score_id": 0, "name": "llava", "answer": "A lime.", "id": 7, "instruction": "What?"}
    return {**base, "image_path": "7.jpg", "original_dataset": "coco", "human": 3, **changes}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (record(human="6"), "item 'score-7-llava': human label 6 is not a point of the scale 1, 2, 3, 4, 5"),
        (record(human="good"),
         "item 'score-7-llava': human label 'good' is not a point of the scale 1, 2, 3, 4, 5"),
        (record(human=[[1]]),
         "item 7: human: must be a label, a list of labels or a table of criteria with labels, got [[1]]"),
        (record(answer=None), "item 7: an answer must be a text with a model's name, got None by 'llava'"),
        (record(image_path=None), "item 7: image_path must be a path, got None"),
        (record(image_path="../7.jpg"), "item 'score-7-llava': image '../7.jpg' leaves the image folder"),
        (record(instruction=None), "item 7: instruction: must be text, got None"),
        (record(name="a::b"), "the id 'score-7-a::b' holds '::', which pytest takes for a separator"),
        ({"id": 7, "image_path": "7.jpg"},
         "item 7: this record has no answer, no answer1 and answer2, and no answers"),
        (record(answers="x"), "item 7: answers must be a list, got 'x'"),
        (record(answers=[{"name": "a", "answer": "x"}] * 3, human="HABC"),
         "item 'batch-7': human label 'HABC' is not a ranking of the letters ABC"),
    ],
)  # fmt: skip
def test_a_bad_record_is_an_error_with_its_place(folder: Folder, row: dict[str, Any], said: str) -> None:
    folder.lines(record(id=1), row)
    folder.manifest('path = "items.jsonl"\n')
    with pytest.raises(BenchmarkError) as caught:
        folder.load_again()
    assert str(caught.value) == f"{folder.items}:2: {said}\n  {MEND}"


def test_known_faults_of_the_release_are_counted_when_lax(folder: Folder) -> None:
    folder.lines(record(), record(id=8, human=6), record(id=9, human="2"))
    folder.manifest('path = "items.jsonl"\nstrict = false\n')
    benchmark = folder.load_again()
    assert [item.id for item in benchmark.items] == ["score-7-llava", "score-9-llava"]
    assert len(benchmark.warnings) == 1


def test_a_record_without_an_id_is_named_for_its_picture(folder: Folder) -> None:
    folder.lines({key: value for key, value in record().items() if key != "id"})
    folder.manifest('path = "items.jsonl"\n')
    assert [item.id for item in folder.load_again().items] == ["score-7-llava"]


@pytest.mark.parametrize("file", ["Benchmark", "Hard & HQ/HQ", "raw_data/step3/Score", "."])
def test_the_image_folder_is_found_above_the_file(tmp_path: Path, load_path: Load, file: str) -> None:
    (tmp_path / "Dataset" / "image").mkdir(parents=True)
    place = tmp_path / "Dataset" / file
    place.mkdir(parents=True, exist_ok=True)
    (place / "score.jsonl").write_text(json.dumps(record(image_path="image/7.jpg")))
    (item,) = load_path(place / "score.jsonl").items
    assert (item.folder, item.images) == (tmp_path / "Dataset" / "image", ("7.jpg",))


def test_without_an_image_folder_the_items_say_where_it_should_be(folder: Folder) -> None:
    folder.lines(record())
    folder.manifest('path = "items.jsonl"\n')
    assert folder.load_again().items[0].folder == folder.path / "image"


def test_the_image_folder_can_be_named(folder: Folder) -> None:
    (folder.path / "photos").mkdir()
    folder.lines(record())
    folder.manifest('path = "items.jsonl"\nimages = "photos"\n')
    assert folder.load_again().items[0].folder == folder.path / "photos"


def test_genai_bench_loads_whole(shared: Path, load_path: Load) -> None:
    benchmark = load_path(shared / "genai_bench")
    assert len(benchmark.items) == 3723
    sources = Counter(item.source for item in benchmark.items)
    assert sources == {"image_generation": 1735, "image_edition": 919, "video_generation": 1069}
    labels = Counter(item.labels()[0] for item in benchmark.items)
    assert labels == {"A": 1208, "B": 1301, "tie": 318, "both_bad": 896}
    assert benchmark.tasks.pair.labels == ("A", "B", "tie", "both_bad")


def test_a_genai_edit_keeps_its_prompts_and_names_its_pictures(shared: Path, load_path: Load) -> None:
    item = load_path(shared / "genai_bench" / "items.jsonl").item("image_edition/0")
    assert item.instruction == "let a herd of sheep block the taxi"
    assert item.fields["source_prompt"] == "A taxi driving down a small street"
    assert item.every_image == tuple(f"image_edition/0/{name}.jpg" for name in ("source", "left", "right"))


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"item": "g/1", "task": "g", "human_vote": "letvote", "prompt": "x"},
         "item 'g/1': human_vote must be one of leftvote, rightvote, tievote, bothbad_vote, got 'letvote'"),
        ({"item": "g/1", "task": "g", "human_vote": "leftvote"},
         "item 'g/1': this record has no prompt and no instruct_prompt"),
        ({"item": 5, "task": "g", "human_vote": "leftvote"},
         "item 5: item and task must be texts, got 5 and 'g'"),
        ({"item": "../1", "task": "g", "human_vote": "leftvote", "prompt": "x"},
         "item '../1': image '../1/left.jpg' leaves the image folder"),
        ({"item": "v", "task": "t", "model": "m", "human_SC_PQ": {"rater1": [0]}},
         "item 'v': human_SC_PQ must be a table of raters with [SC, PQ] each, got {'rater1': [0]}"),
        ({"item": "v", "task": "t", "model": None, "human_SC_PQ": {}},
         "item 'v': item, task and model must be texts, got 'v', 't' and None"),
        ({"item": "v", "task": "t", "model": "m", "human_SC_PQ": {"rater1": [0, 7]}},
         "item 'v': human label 7 of criterion 'PQ' is not a point of the scale "
         "0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0"),
    ],
)  # fmt: skip
def test_a_bad_record_of_the_other_sets_is_an_error(folder: Folder, row: dict[str, Any], said: str) -> None:
    folder.lines(row)
    folder.manifest('path = "items.jsonl"\n')
    with pytest.raises(BenchmarkError) as caught:
        folder.load_again()
    assert str(caught.value) == f"{folder.items}:1: {said}\n  {MEND}"


def test_viescore_loads_whole(shared: Path, load_path: Load) -> None:
    benchmark = load_path(shared / "viescore")
    assert len(benchmark.items) == 5130
    assert len({item.responses[0].author for item in benchmark.items}) == 29
    assert benchmark.tasks.score.criteria == ("SC", "PQ")
    assert all(len(item.labels(name)) == 3 for item in benchmark.items for name in ("SC", "PQ"))


def test_a_viescore_item_holds_its_pictures_raters_and_cluster(shared: Path, load_path: Load) -> None:
    benchmark = load_path(shared / "viescore")
    item = benchmark.item("ImagenHub_Control-Guided_IG/ControlNet/sample_0_control_canny.jpg")
    museum = "https://chromaica.github.io/Museum/ImagenHub_Control-Guided_IG"
    assert item.images == (f"{museum}/input/sample_0_control_canny.jpg",)
    assert item.responses[0].images == (f"{museum}/ControlNet/sample_0_control_canny.jpg",)
    assert item.human == {"SC": (0, 0, 0.5), "PQ": (0, 0, 0)}
    assert benchmark.cluster(item) == "cluster:ImagenHub_Control-Guided_IG/sample_0_control_canny.jpg"
    unseen: Item = benchmark.item("ImagenHub_Text-Guided_IE/Imagic/sample_100081_1.jpg")
    assert unseen.every_image == ("ImagenHub_Text-Guided_IE/Imagic/sample_100081_1.jpg",)


def test_the_manifest_goes_before_a_readers_own_scale(shared: Path, load_path: Load) -> None:
    toml = "[score]\nscale = [0, 0.5, 1]\n"
    tasks = load_path(shared / "viescore", toml).tasks
    assert tasks.score.scale == (0, 0.5, 1)
    assert tasks.score.criteria == ("SC", "PQ")


def test_a_folder_of_two_files_is_read_in_the_order_of_their_names(folder: Folder, load_path: Load) -> None:
    folder.lines(record(id=2), name="b.jsonl")
    folder.lines(record(id=1), name="a.jsonl")
    folder.lines({"item": "x", "response": "[[A]]"}, name="verdicts.jsonl")
    assert [item.fields["picture"] for item in load_path(folder.path).items] == [1, 2]


def test_a_folder_of_several_formats_needs_a_reader(folder: Folder, load_path: Load) -> None:
    folder.lines(record(), name="a.jsonl")
    folder.lines(pair_item(), name="b.jsonl")
    with pytest.raises(BenchmarkError) as caught:
        load_path(folder.path)
    assert str(caught.value) == (
        f"{folder.path}/own/benchmark.toml: path: {folder.path} holds items of several formats "
        "(mllm-as-a-judge: a.jsonl; native: b.jsonl)\n  Name one with reader = ..."
    )
    assert [item.id for item in load_path(folder.path, 'reader = "native"\n').items] == ["p1"]


def test_a_copy_of_the_release_loads_beside_its_pictures(shared: Path, folder: Folder) -> None:
    for name, release in (("benchmark_pair", "Benchmark/pair"), ("hq_pair", "HQ/Pair")):
        target = folder.path / "Dataset" / f"{release}.jsonl"
        target.parent.mkdir(parents=True)
        shutil.copy(shared / "mllm_judge_samples" / f"{name}.jsonl", target)
    (folder.path / "Dataset" / "image").mkdir()
    folder.manifest('path = "Dataset/HQ"\n')
    benchmark = folder.load_again()
    assert {item.folder for item in benchmark.items} == {folder.path / "Dataset" / "image"}
