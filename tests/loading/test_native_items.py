"""Native items: written, read, equal; and every line that can't be used."""

from __future__ import annotations

import gzip
import json
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_mllm_judge.benchmarks import BadLine, write_items
from pytest_mllm_judge.benchmarks.lines import Record, records
from pytest_mllm_judge.benchmarks.native import NativeReader
from pytest_mllm_judge.errors import BenchmarkError
from pytest_mllm_judge.model import Item, Response
from tests.loading.conftest import MEND, Folder, pair_item, score_item

WORDS = st.text(max_size=30)
NUMBERS = st.integers(-(10**12), 10**12) | st.floats(allow_nan=False, allow_infinity=False)
LABELS = NUMBERS | WORDS
GIVEN = st.lists(st.none() | LABELS, max_size=3).map(tuple)
PLAIN = st.recursive(
    st.none() | st.booleans() | NUMBERS | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=5,
)
KEYS = WORDS.filter(lambda key: key not in Item.model_fields)
RESPONSES = st.builds(
    Response, text=WORDS, images=st.lists(WORDS, max_size=2).map(tuple), author=st.none() | WORDS
)
COUNTS = {"score": (1, 1), "pair": (2, 2), "batch": (2, 6)}


@st.composite
def items(draw: st.DrawFn) -> Item:
    task = draw(st.sampled_from(sorted(COUNTS)))
    low, high = COUNTS[task]
    return Item(
        id=draw(st.text(min_size=1, max_size=20)),
        task=task,
        instruction=draw(WORDS),
        responses=tuple(draw(st.lists(RESPONSES, min_size=low, max_size=high))),
        images=tuple(draw(st.lists(WORDS, max_size=3))),
        human=draw(GIVEN | st.dictionaries(WORDS, GIVEN, max_size=3)),
        source=draw(st.none() | WORDS),
        cluster=draw(st.none() | WORDS),
        must=draw(st.booleans()),
        skip=draw(st.none() | WORDS),
        fields=draw(st.dictionaries(KEYS, PLAIN, max_size=3)),
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
@given(written=st.lists(items(), max_size=4))
def test_items_come_back_as_they_were_written(tmp_path: Path, written: list[Item]) -> None:
    file = tmp_path / "items.jsonl"
    write_items(file, written)
    lines = list(records(file))
    assert [NativeReader().item(line.data) for line in lines if isinstance(line, Record)] == written
    assert len(lines) == len(written)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(content=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_bytes_break_the_reading_of_lines(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "any.jsonl"
    file.write_bytes(content)
    assert all(isinstance(line, Record | BadLine) for line in records(file))


def test_a_cut_emoji_survives_writing_and_reading(tmp_path: Path) -> None:
    item = Item(id="a", task="score", responses=(Response(text="ok \ud83d"),))
    write_items(tmp_path / "i.jsonl", [item])
    (line,) = records(tmp_path / "i.jsonl")
    assert isinstance(line, Record)
    assert NativeReader().item(line.data) == item


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\n\n  \n"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("name", ["items.jsonl", "items.jsonl.gz"])
def test_line_ends_blank_lines_marks_and_gzip_make_no_difference(
    folder: Folder, ending: str, mark: bytes, name: str
) -> None:
    lines = [json.dumps(score_item(instruction="¿Qué?\u2028猫"), ensure_ascii=False), json.dumps(pair_item())]
    content = mark + (ending.join(lines) + ending).encode()
    (folder.path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    folder.manifest(f'path = "{name}"\n')
    benchmark = folder.load_again()
    assert [item.id for item in benchmark.items] == ["s1", "p1"]
    assert benchmark.items[0].instruction == "¿Qué?\u2028猫"
    assert [item.folder for item in benchmark.items] == [folder.path] * 2


def test_further_keys_become_fields(folder: Folder) -> None:
    (item,) = folder.load(score_item(difficulty=3, tags=["a"], source="circles")).items
    assert item.fields == {"difficulty": 3, "tags": ["a"]}
    assert item.source == "circles"


BAD: list[tuple[str | dict[str, Any], str]] = [
    ("{", "this line is not JSON: Expecting property name enclosed in double quotes at column 2"),
    ("[1]", "this line is not a JSON object but a list"),
    ("3", "this line is not a JSON object but a number"),
    ("null", "this line is not a JSON object but null"),
    ('{"id": NaN}', "this line is not JSON: NaN is not a JSON number"),
    ('{"id": -Infinity}', "this line is not JSON: -Infinity is not a JSON number"),
    ('{"id": 1e999}', "this line is not JSON: 1e999 is not a JSON number"),
    ('{"a":' * 100_000, "this line is nested too deeply"),
    (score_item(id=7), "item 7: id: must be text, got 7"),
    (score_item(id=""), "id: must be at least 1 character long, got ''"),
    (score_item(id="a::b"), "the id 'a::b' holds '::', which pytest takes for a separator"),
    (score_item(id="a\nb"), "the id 'a\\nb' holds a line break or a control character"),
    (score_item(id="a\x1bb"), "the id 'a\\x1bb' holds a line break or a control character"),
    (score_item(id="a "), "the id 'a ' begins or ends with a space"),
    (score_item(task="rank"), "item 's1': task: must be 'score', 'pair' or 'batch', got 'rank'"),
    ({"id": "s1", "task": "score", "response": []}, "item 's1': responses: is missing; is it 'response'?"),
    (score_item(responses=[]), "item 's1': a score item needs 1 response(s), got 0"),
    (score_item(responses=["A cat."]), "item 's1': responses[0]: must be a table, got 'A cat.'"),
    (score_item(responses=[{"text": "x", "autor": "m"}]),
     "item 's1': responses[0].autor: is not a known key; did you mean 'author'?"),
    (score_item(responses=[{"author": "m"}]), "item 's1': responses[0]: a response needs text or images"),
    (pair_item(responses=[{"text": "x"}]), "item 'p1': a pair item needs 2 response(s), got 1"),
    (score_item(images="a.png"), "item 's1': images: must be a list, got 'a.png'"),
    (score_item(human=[[4]]),
     "item 's1': human: must be a label, a list of labels or a table of criteria with labels, got [[4]]"),
    (score_item(human=True),
     "item 's1': human: must be a label, a list of labels or a table of criteria with labels, got True"),
    (score_item(human=9), "item 's1': human label 9 is not a point of the scale 1, 2, 3, 4, 5"),
    (score_item(human=[4, "4"]), "item 's1': human label '4' is not a point of the scale 1, 2, 3, 4, 5"),
    (pair_item(human="C"), "item 'p1': human label 'C' is not one of the labels 'A', 'B', 'tie'"),
    (pair_item(human={"SC": "A"}), "item 'p1': criteria are for score items, this is a pair item"),
    (pair_item(task="batch", human="AC"), "item 'p1': human label 'AC' is not a ranking of the letters AB"),
    (score_item(must=True, human=[]),
     "item 's1': an anchor (must) needs a human label to be right or wrong about"),
    (score_item(fields={"a": 1}),
     "item 's1': the key 'fields' is reserved; further fields stand beside the others"),
    (score_item(images=["../secret.png"]), "item 's1': image '../secret.png' leaves the image folder"),
    (score_item(images=["a/../../b.png"]), "item 's1': image 'a/../../b.png' leaves the image folder"),
    (score_item(images=["a\\..\\b.png"]), "item 's1': image 'a\\\\..\\\\b.png' leaves the image folder"),
    (score_item(images=["/etc/passwd"]), "item 's1': image '/etc/passwd' leaves the image folder"),
    (score_item(images=["C:\\a.png"]), "item 's1': image 'C:\\\\a.png' leaves the image folder"),
    (score_item(images=[""]), "item 's1': image '' is not a path"),
    (score_item(images=["a\0.png"]), "item 's1': image 'a\\x00.png' is not a path"),
    (score_item(images=["file:///a.png"]),
     "item 's1': image 'file:///a.png' is neither a path nor an http(s) address"),
    (score_item(responses=[{"images": ["../x.png"]}]), "item 's1': image '../x.png' leaves the image folder"),
]  # fmt: skip
NAMES = [f"{number}: {said[:40]}" for number, (_, said) in enumerate(BAD)]


@pytest.mark.parametrize(("line", "said"), BAD, ids=NAMES)
def test_a_bad_line_is_an_error_with_its_place(folder: Folder, line: str | dict[str, Any], said: str) -> None:
    with pytest.raises(BenchmarkError) as caught:
        folder.load(score_item(id="good"), "", line)
    assert str(caught.value) == f"{folder.items}:3: {said}\n  {MEND}"


def test_a_lax_benchmark_counts_every_bad_line_and_leaves_it_out(folder: Folder) -> None:
    lines = [line for line, _ in BAD]
    benchmark = folder.load(score_item(id="good"), *lines, pair_item(id="last"), toml="strict = false\n")
    assert [item.id for item in benchmark.items] == ["good", "last"]
    assert [bad.what for bad in benchmark.warnings] == [said for _, said in BAD]
    assert str(benchmark.warnings[0]) == f"{folder.items}:2: {BAD[0][1]}"


def test_a_line_that_is_not_utf8_is_an_error_with_its_place(folder: Folder) -> None:
    folder.manifest('items = "items.jsonl"\n')
    folder.items.write_bytes(json.dumps(score_item()).encode() + b'\n{"id": "\xff"}\n')
    with pytest.raises(BenchmarkError) as caught:
        folder.load_again()
    assert str(caught.value) == f"{folder.items}:2: this line is not UTF-8: byte 0xff at 9\n  {MEND}"


def test_a_duplicate_id_names_both_lines(folder: Folder) -> None:
    with pytest.raises(BenchmarkError) as caught:
        folder.load(score_item(), pair_item(), pair_item(id="s1"))
    assert str(caught.value) == (
        f"{folder.items}:3: the id 's1' was used before, in {folder.items}:1\n  {MEND}"
    )


def test_a_lax_benchmark_keeps_the_first_of_two_items_of_one_id(folder: Folder) -> None:
    benchmark = folder.load(score_item(), pair_item(id="s1"), toml="strict = false\n")
    assert [item.task for item in benchmark.items] == ["score"]
    assert benchmark.warnings == (
        BadLine(f"{folder.items}:2", f"the id 's1' was used before, in {folder.items}:1"),
    )


def test_brackets_spaces_and_other_scripts_are_fine_in_ids(folder: Folder) -> None:
    names = ["a[0]", "two words", "猫-1", "a/b.png", "a>=b"]
    assert [item.id for item in folder.load(*(score_item(id=name) for name in names)).items] == names


def test_a_skipped_item_is_kept_apart_whatever_its_label(folder: Folder) -> None:
    benchmark = folder.load(score_item(skip="label disputed", human=9), pair_item())
    assert [item.id for item in benchmark.items] == ["p1"]
    assert [(item.id, item.skip) for item in benchmark.skipped] == [("s1", "label disputed")]


def test_an_item_without_a_label_is_loaded(folder: Folder) -> None:
    (item,) = folder.load({**score_item(), "human": None}).items
    assert item.human == ()


@pytest.mark.parametrize(
    ("lines", "toml", "said"),
    [
        ([], "", "there is no item to judge in {items} (no lines)"),
        ([score_item(skip="no")], "", "there is no item to judge in {items} (1 skipped, 0 left out as bad)"),
        (["{}"], "strict = false\n",
         "there is no item to judge in {items} (0 skipped, 1 left out as bad)\n"
         "  The first bad line is {items}:1: id: is missing; task: is missing; responses: is missing"),
    ],
)  # fmt: skip
def test_an_empty_benchmark_is_an_error(folder: Folder, lines: list[Any], toml: str, said: str) -> None:
    with pytest.raises(BenchmarkError) as caught:
        folder.load(*lines, toml=toml)
    assert str(caught.value) == f"{folder.toml}: " + said.format(items=folder.items)


def test_a_scale_of_words_is_the_benchmarks_own(folder: Folder) -> None:
    toml = '[score]\nscale = ["fail", "pass"]\n'
    assert folder.load(score_item(human="pass"), toml=toml).tasks.score.scale == ("fail", "pass")
    with pytest.raises(BenchmarkError) as caught:
        folder.load(score_item(human=4), toml=toml)
    said = "item 's1': human label 4 is not a point of the scale 'fail', 'pass'"
    assert str(caught.value) == f"{folder.items}:1: {said}\n  {MEND}"


@pytest.mark.parametrize("cut", [10, 60])
def test_a_cut_gzip_is_an_error_with_its_place(folder: Folder, cut: int) -> None:
    lines = "".join(json.dumps(score_item(id=letter)) + "\n" for letter in string.ascii_letters)
    (folder.path / "i.jsonl.gz").write_bytes(gzip.compress(lines.encode())[:-cut])
    folder.manifest('path = "i.jsonl.gz"\nreader = "native"\n')
    with pytest.raises(
        BenchmarkError, match=r"i\.jsonl\.gz(:\d+)?: can't be read: Compressed file ended before"
    ):
        folder.load_again()


def test_a_file_that_is_not_gzip_is_an_error(folder: Folder) -> None:
    (folder.path / "i.jsonl.gz").write_text("{}")
    folder.manifest('path = "i.jsonl.gz"\n')
    with pytest.raises(BenchmarkError) as caught:
        folder.load_again()
    assert str(caught.value) == f"{folder.path}/i.jsonl.gz: can't be read: Not a gzipped file (b'{{}}')"
