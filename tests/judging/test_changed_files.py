"""A function of one's own is given changed pictures as files."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from pytest_mllm_judge.errors import BenchmarkError
from pytest_mllm_judge.judging import changed_files
from pytest_mllm_judge.judging.alterations import picture_of
from pytest_mllm_judge.judging.callable import CallableJudge
from pytest_mllm_judge.judging.changed_files import changed_file
from pytest_mllm_judge.judging.judge import Context
from pytest_mllm_judge.judging.pictures import encode
from pytest_mllm_judge.judging.settings import CallableSettings
from pytest_mllm_judge.model import Item, Picture, Question, Response, file_digest

FUNCTIONS = """
SEEN = []

def plain(question):
    SEEN.append(question)
    return "[[A]]"

async def awaited(question):
    SEEN.append(question)
    return "[[A]]"
"""
CHANGES = {"another.png": "blank", "given.jpg": "cropped 2"}


@pytest.fixture
def pair(tmp_path: Path) -> Item:
    """A pair with a picture of its own, one in a response, and one elsewhere."""
    Image.new("RGB", (8, 6), "red").save(tmp_path / "another.png")
    Image.new("RGB", (8, 6), "blue").save(tmp_path / "given.jpg")
    Image.new("RGB", (8, 6), "green").save(tmp_path / "kept.png")
    return Item(
        id="circles-007",
        task="pair",
        instruction="How many circles?",
        images=("another.png", "kept.png"),
        responses=(Response(text="Three.", images=("given.jpg",)), Response(text="Five.")),
        human=("B",),
        folder=tmp_path,
    )


def changed(item: Item, changes: dict[str, str]) -> Item:
    return item.model_copy(update={"picture_changes": changes})


@pytest.fixture
def judge(tmp_path: Path) -> Callable[[str], CallableJudge]:
    (tmp_path / "ours.py").write_text(FUNCTIONS)

    def make(function: str) -> CallableJudge:
        settings = CallableSettings(kind="callable", function=f"ours.py:{function}")
        return CallableJudge("ours", settings, Context(root=tmp_path))

    return make


def decoded(file: str) -> Image.Image:
    with Image.open(file) as picture:
        return picture.copy()


def seen(judge: CallableJudge, question: Question, *, awaited: bool) -> Question:
    """The question as the function is given it."""
    if awaited:
        asyncio.run(judge.ask_async(question))
    else:
        judge.ask(question)
    last = judge._function.__globals__["SEEN"][-1]
    assert isinstance(last, Question)
    return last


@pytest.mark.parametrize(
    ("function", "awaited"), [("plain", False), ("plain", True), ("awaited", False), ("awaited", True)]
)
def test_the_function_finds_changed_pictures_as_files(
    judge: Callable[[str], CallableJudge], pair: Item, function: str, awaited: bool
) -> None:
    made = judge(function)
    question = made.question(changed(pair, CHANGES), variant="blank", repeat=1)
    given = seen(made, question, awaited=awaited)
    files = [given.item.images[0], given.item.responses[0].images[0]]
    assert [decoded(file).size for file in files] == [(8, 6), (4, 3)]
    assert [Path(file).is_absolute() for file in files] == [True, True]
    assert [Path(file).suffix for file in files] == [".png", ".jpeg"]
    assert decoded(files[0]).getcolors() == [(48, (255, 255, 255))]
    assert given.item.picture_changes == {}
    named = [part for _, parts in given.shown for part in parts if isinstance(part, Picture)]
    assert {part.address for part in named} == {*files, "kept.png"}
    assert all(part.file is not None and part.file.is_file() and not part.change for part in named)


def test_nothing_else_about_the_question_changes(judge: Callable[[str], CallableJudge], pair: Item) -> None:
    made = judge("plain")
    question = made.question(changed(pair, CHANGES), variant="blank", repeat=1)
    given = seen(made, question, awaited=False)
    back = given.item.model_copy(
        update={"images": pair.images, "responses": pair.responses, "picture_changes": CHANGES}
    )
    assert back == question.item
    assert replace(given, item=back, messages=question.messages, besides=question.besides) == question
    texts = [[part for part in parts if not isinstance(part, Picture)] for _, parts in given.shown]
    assert texts == [[part for part in parts if not isinstance(part, Picture)] for _, parts in question.shown]


def test_a_question_without_changes_is_given_as_it_is(
    judge: Callable[[str], CallableJudge], pair: Item
) -> None:
    made = judge("plain")
    question = made.question(pair)
    assert seen(made, question, awaited=False) is question


def test_its_digest_is_of_the_source_and_the_words(judge: Callable[[str], CallableJudge], pair: Item) -> None:
    made = judge("plain")
    first, again, other = (
        made.question(changed(pair, {"another.png": words})).digest
        for words in ("blank", "blank", "tilted 2")
    )
    assert first == again
    assert len({first, other, made.question(pair).digest}) == 3
    file = file_digest(Path(str(pair.folder)) / "another.png")
    [picture] = [
        part for part in made.question(changed(pair, CHANGES)).besides if part.identity().endswith("blank")
    ]
    assert picture.identity() == f"image:{file};blank"


@pytest.mark.parametrize("address", ["absent.png", "https://x.org/c.png"])
def test_a_picture_that_is_no_file_can_not_be_changed(
    judge: Callable[[str], CallableJudge], pair: Item, address: str
) -> None:
    other = changed(pair.model_copy(update={"images": (address,)}), {address: "blank"})
    with pytest.raises(BenchmarkError) as caught:
        judge("plain").question(other)
    assert str(caught.value) == (
        f"item 'circles-007': the picture {address} is no file here, so it can't be changed "
        "('blank' is asked for)"
        "\n  Keep it as a file below the benchmark's folder, or leave out the probes that change pictures."
    )


def test_a_picture_is_made_once_however_many_ask_for_it(pair: Item, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Picture] = []

    def slowly(picture: Picture) -> tuple[str, bytes]:
        made.append(picture)
        time.sleep(0.02)
        return encode(picture)

    monkeypatch.setattr(changed_files, "encode", slowly)
    # No other test's words: the files live as long as the process.
    picture = picture_of(changed(pair, {"given.jpg": "blurred 3.5"}), "given.jpg")
    with ThreadPoolExecutor(4) as pool:
        files = set(pool.map(lambda _: changed_file(picture), range(8)))
    [file] = files
    assert (made, file.read_bytes()) == ([picture], encode(picture)[1])
    assert not list(file.parent.glob("*.part"))


def test_a_file_that_was_swept_away_is_written_again(pair: Item) -> None:
    picture = picture_of(changed(pair, CHANGES), "another.png")
    changed_file(picture).unlink()
    assert changed_file(picture).is_file()


SCRIPT = """
import os, sys
from pathlib import Path
from pytest_mllm_judge.judging.changed_files import changed_file
from pytest_mllm_judge.model import Picture

picture = Picture("another.png", Path(sys.argv[1]), "blank")
ours = changed_file(picture)
child = os.fork()
if not child:
    theirs = changed_file(picture)
    sys.exit(0 if theirs.is_file() and theirs != ours else 1)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
assert ours.is_file()
print(ours.parent)
"""


def test_the_folder_goes_with_its_process_and_not_with_a_fork_of_it(pair: Item) -> None:
    file = str(pair.folder) + "/another.png"
    done = subprocess.run([sys.executable, "-c", SCRIPT, file], capture_output=True, text=True, check=True)
    folder = Path(done.stdout.strip())
    assert folder.name.startswith("mllm-judge-")
    assert not folder.exists()
