"""A question's digest, computed anew from the body that is sent: nothing that decides a reply escapes it."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx2
import pytest
from PIL import Image

from pytest_mllm_judge.benchmarks import load
from pytest_mllm_judge.errors import CassetteMiss
from pytest_mllm_judge.judging import pictures as encoding
from pytest_mllm_judge.judging.judge import Context
from pytest_mllm_judge.judging.openai import OpenAIJudge
from pytest_mllm_judge.judging.registry import build
from pytest_mllm_judge.model import Item, Judgement, Question
from pytest_mllm_judge.recording import Recorder
from pytest_mllm_judge.recording.format import DIGEST

from .bench import item as bench_item
from .bench import running, written
from .loopback import Server, completion

Body = dict[str, Any]


class Watch(httpx2.BaseTransport):
    """Answers by itself, and keeps the bodies that it was sent."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self.bodies.append(request.read())
        return httpx2.Response(200, json=completion(json.loads(self.bodies[-1])))


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def recomputed(
    body: bytes, *, repeat: int = 0, change: str = "", sources: Sequence[bytes] | None = None
) -> str:
    """The digest by the body alone; of pictures sent changed, by their files' own bytes (`sources`)."""
    said: Body = json.loads(body)
    files = None if sources is None else iter(sources)

    def image(sent: Mapping[str, str]) -> str:
        head, _, data = sent["url"].partition(";base64,")
        assert bool(data) == head.startswith("data:image/")
        known = base64.b64decode(data) if files is None else next(files)
        source = sha256(known) if data else f"url {sent['url']}"
        return ";".join(["image:" + source, *filter(None, (change, sent.get("detail", "")))])

    def part(piece: Mapping[str, Any]) -> str:
        if piece["type"] == "text":
            return "text:" + sha256(piece["text"].encode())
        return image(piece["image_url"])

    prompt = []
    for message in said.pop("messages"):
        content = message["content"]
        pieces = [{"type": "text", "text": content}] if isinstance(content, str) else content
        prompt.append([message["role"], *map(part, pieces)])
    facts = {"repeat": repeat, "prompt": prompt, "model": said.pop("model"), "settings": said}
    plain = json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return sha256(plain.encode())


# Pictures and items


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pictures of several formats and sizes, all of which go out as they are unless asked otherwise."""
    draw = random.Random(7)
    for name, mode, size in (("a.png", "RGB", (40, 30)), ("b.jpg", "L", (33, 50)), ("c.webp", "RGB", (9, 9))):
        pixels = draw.randbytes(size[0] * size[1] * len(mode))
        Image.frombytes(mode, size, pixels).save(tmp_path / name)
    Image.new("P", (20, 20)).save(tmp_path / "d.gif")
    return tmp_path


def made(folder: Path, **changes: Any) -> Item:
    """A batch with several pictures, one of them twice and one elsewhere, and words of several scripts."""
    given: dict[str, Any] = {
        "id": "made-1",
        "task": "batch",
        "instruction": 'Größer? "Да" \\ \u2028 {{ 7 * 7 }} 判断 🟥',
        "images": ["a.png", "b.jpg", "https://example.org/e.png?x=1&y=%20", "a.png"],
        "responses": [
            {"text": "One.", "images": ["c.webp"]},
            {"text": "", "images": ["d.gif", "a.png"]},
            {"images": ["b.jpg"]},
        ],
        "human": "ABC",
        "folder": folder,
        **changes,
    }
    return Item(**given)


TABLE: dict[str, Any] = {
    "temperature": 0.7,
    "top_p": 1,
    "max_tokens": 300,
    "stop": ["END", "\n\n"],
    "seed": 40,
    "detail": "low",
    "response_format": {
        "type": "json_schema",
        "json_schema": {"name": "verdict", "schema": {"type": "object"}},
    },
    "extra_body": {
        "tools": [{"type": "function", "function": {"name": "zoom", "parameters": {"b": 1, "a": [2, None]}}}],
        "chat_template_kwargs": {"thinking": False, "größe": 1e-7},
    },
}


def judge_of(root: Path, transport: Any, **table: Any) -> OpenAIJudge:
    settings = {"kind": "openai", "model": "gpt-4o", "base_url": "http://127.0.0.1:1/v1", **table}
    judge = build("mine", {"mine": settings}, Context(root=root, wrap=lambda _: transport))
    assert isinstance(judge, OpenAIJudge)
    return judge


def sent(item: Item, *, repeat: int = 0, root: Path = Path(), **table: Any) -> tuple[Question, bytes]:
    """An item's question, and the body that the SDK sends for it."""
    watch = Watch()
    judge = judge_of(root, watch, **table)
    question = judge.question(item, repeat=repeat)
    judge.ask(question)
    judge.close()
    (body,) = watch.bodies
    return question, body


def files_of(question: Question) -> list[bytes]:
    """What the files of the question's pictures hold, in order; nothing for one that has no file."""
    parts = [part for message in question.messages for part in message.parts]
    shown = [part for part in parts if not hasattr(part, "text")]
    return [part.file.read_bytes() if part.file is not None else b"" for part in shown]


# The digest is what the body says


def test_every_question_of_the_bundled_benchmark_has_the_digest_of_its_body(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLLM_JUDGE_SHAPES_KEY", "none")
    benchmark = load(project / "fixtures" / "shapes")
    watch = Watch()
    judge = build("shapes-old", {}, Context(tasks=benchmark.tasks, wrap=lambda _: watch))
    questions = [judge.question(item) for item in benchmark.items]
    for question in questions:
        judge.ask(question)
    judge.close()
    digests = [recomputed(body) for body in watch.bodies]
    assert digests == [question.digest for question in questions]
    cassette = (project / "fixtures" / "shapes" / "cassettes" / "shapes-old.jsonl").read_bytes()
    recorded = {json.loads(line)["question"] for line in cassette.splitlines()}
    assert {digest[:DIGEST] for digest in digests} <= recorded


@pytest.mark.parametrize("prompt", ["no-cot", "cot-figure-instruction", "no-figure", "own.txt"])
@pytest.mark.parametrize("repeat", [0, 3])
def test_a_question_with_everything_has_the_digest_of_its_body(
    prompt: str, repeat: int, folder: Path
) -> None:
    (folder / "own.txt").write_text(
        "=== system\nYou judge.\n=== user\n{{ images(item.images) }}{{ image('c.webp') }}\nThis?\n"
        "=== assistant\nIt is {{ image('d.gif') }} so.\n=== user\n{{ instruction }}",
        encoding="utf-8",
    )
    question, body = sent(made(folder), repeat=repeat, root=folder, prompt=prompt, **TABLE)
    assert recomputed(body, repeat=repeat) == question.digest
    assert (json.loads(body)["seed"], len(body) > 1000) == (40 + repeat, True)


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ({"max_side": 16}, "max_side 16"),
        ({"encode": "jpeg", "quality": 80}, "jpeg 80"),
        ({"encode": "png", "max_side": 25, "detail": "high"}, "max_side 25;png"),
    ],
)
def test_a_changed_picture_counts_as_its_file_and_the_change(
    table: dict[str, Any], change: str, folder: Path
) -> None:
    question, body = sent(made(folder), **table)
    sources = files_of(question)
    assert recomputed(body, change=change, sources=sources) == question.digest
    assert recomputed(body, change=change) != question.digest, "no picture was sent changed"


def test_the_digest_that_is_recorded_is_that_of_the_body_that_was_sent(folder: Path) -> None:
    watch = Watch()
    with Recorder(folder / "mine.jsonl", "new_episodes", judge="mine", rerecord="") as recorder:
        judge = judge_of(folder, recorder.wrap(watch), **TABLE)
        for repeat in range(3):
            question = judge.question(made(folder), repeat=repeat)
            recorder.exchange(question, lambda asked=question: judge.ask(asked), over_http=True)  # type: ignore[misc]
        judge.close()
    lines = [json.loads(line) for line in (folder / "mine.jsonl").read_bytes().splitlines()]
    bodies = enumerate(watch.bodies)
    assert [line["question"] for line in lines] == [
        recomputed(body, repeat=repeat)[:DIGEST] for repeat, body in bodies
    ]


# What changes it, and what does not


def reversed_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: reversed_keys(value[key]) for key in reversed(value)}
    return [reversed_keys(each) for each in value] if isinstance(value, list) else value


def test_key_order_headers_and_host_change_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTHER_KEY", "another-key-0123456789")
    plain, _ = sent(made(folder), **TABLE)
    other, body = sent(
        made(folder, id="made-2", human="CBA", source="elsewhere"),
        **reversed_keys(TABLE),
        base_url="https://elsewhere.example/openai/v7/",
        api_key_env="OTHER_KEY",
        headers={"X-Team": "judges"},
        timeout=7.0,
        prices={"input": 1, "output": 2},
    )
    assert other.digest == plain.digest == recomputed(body)


OTHERS: dict[str, dict[str, Any]] = {
    "a letter of the instruction": {"instruction": 'Größer? "Да" \\ \u2028 {{ 7 * 7 }} 判断 🟦'},
    "a space at the end of a response": {"responses": [{"text": "One. "}, {"text": "Two."}, {"text": "3"}]},
    "another image": {"images": ["a.png", "b.jpg", "https://example.org/e.png?x=1&y=%20", "c.webp"]},
    "one image less": {"images": ["a.png", "b.jpg", "https://example.org/e.png?x=1&y=%20"]},
    "images in another order": {"images": ["b.jpg", "a.png", "https://example.org/e.png?x=1&y=%20", "a.png"]},
    "another address": {"images": ["a.png", "b.jpg", "https://example.org/e.png?x=1&y=%21", "a.png"]},
}
SETTINGS: dict[str, dict[str, Any]] = {
    "another detail": {"detail": "high"},
    "no detail": {"detail": None},
    "another model": {"model": "gpt-4o-2024-08-06"},
    "another temperature": {"temperature": 0.70001},
    "no temperature": {"temperature": None},
    "another seed": {"seed": 41},
    "another stop": {"stop": ["END"]},
    "another tool": {"extra_body": {"tools": [{"type": "function", "function": {"name": "crop"}}]}},
    "no tool": {"extra_body": {}},
    "another format": {"response_format": {"type": "json_object"}},
    "another size": {"max_side": 1024},
    "another encoding": {"encode": "png"},
    "another prompt": {"prompt": "cot-figure"},
}


def test_anything_that_decides_a_reply_changes_it(folder: Path) -> None:
    digests = {"as it was": sent(made(folder), **TABLE)[0].digest}
    for name, changes in OTHERS.items():
        digests[name] = sent(made(folder, **changes), **TABLE)[0].digest
    for name, changes in SETTINGS.items():
        table = {key: value for key, value in {**TABLE, **changes}.items() if value is not None}
        digests[name] = sent(made(folder), **table)[0].digest
    digests["another repeat"] = sent(made(folder), repeat=1, **TABLE)[0].digest
    (folder / "a.png").write_bytes((folder / "a.png").read_bytes() + b"\0")
    digests["another byte in a file of the same name"] = sent(made(folder), **TABLE)[0].digest
    same = [pair for pair in itertools.combinations(digests, 2) if digests[pair[0]] == digests[pair[1]]]
    assert same == []


def test_one_part_cannot_pass_for_another(folder: Path) -> None:
    """Words that spell a part's identity, and words moved from one message to the next."""
    (folder / "one.txt").write_text("=== system\nYou judge.\n=== user\n{{ instruction }}")
    (folder / "two.txt").write_text("=== user\nYou judge.\n=== user\n{{ instruction }}")
    (folder / "three.txt").write_text("=== user\nYou judge.{{ instruction }}")
    image = "image:" + sha256((folder / "a.png").read_bytes())
    told = [
        sent(made(folder, instruction=words), root=folder, prompt=prompt)[0].digest
        for words in ("?", image, "text:" + sha256(b"?"))
        for prompt in ("one.txt", "two.txt", "three.txt")
    ]
    assert len(set(told)) == len(told)


# Pillow and zlib may change


def untimed(judgements: list[Judgement]) -> list[Judgement]:
    return [judgement.model_copy(update={"latency": None}) for judgement in judgements]


@pytest.mark.parametrize("way", ["fast", "wire"])
def test_another_pillow_encodes_other_bytes_and_the_recording_still_plays(
    way: Any, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = written(tmp_path / "few", bench_item(0), bench_item(1))
    table: dict[str, Any] = {"base_url": server.url, "encode": "jpeg", "max_side": 8}
    with running(bench, "new_episodes", **table) as run:
        recorded = [run.ask(item) for item in run.items]
    assert (server.total, recorded[0].verdict) == (2, "A")

    encode = encoding._encoded
    encoded: list[bytes] = []

    def otherwise(image: Image.Image, kind: str, change: encoding.Change) -> bytes:
        before = encode(image, kind, change)
        encoded.append(before[:-2] + b"\xff\xfe\x00\x04zz" + before[-2:])  # a comment: other bytes
        return encoded[-1]

    monkeypatch.setattr(encoding, "_encoded", otherwise)
    with running(bench, "none", way=way, **table) as run:
        played = [run.ask(item) for item in run.items]
    assert untimed(recorded) == untimed(played)
    assert len(encoded) == (2 if way == "wire" else 0)
    assert server.total == 2


def test_another_picture_of_the_same_name_is_not_played(server: Server, tmp_path: Path) -> None:
    bench = written(tmp_path / "few", bench_item(0))
    with running(bench, "new_episodes", base_url=server.url) as run:
        run.ask(run.items[0])
    Image.new("RGB", (12, 9), "black").save(bench / "images" / "red.png")
    with running(bench, "none", base_url=server.url) as run:
        assert run.recorder is not None
        judgement = run.ask(run.items[0])
        with pytest.raises(CassetteMiss, match="user message, image 1: asked"):
            run.recorder.exchange(
                run.judge.question(run.items[0]), lambda: pytest.fail("asked"), over_http=True
            )
    assert (judgement.problem, server.total) == ("not_asked", 1)
