"""`cassette import`: replies that plain vcrpy recorded elsewhere become a judge's own."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from pytest_mllm_judge import Session
from pytest_mllm_judge.__main__ import main
from pytest_mllm_judge.judging.chat import chat_message
from pytest_mllm_judge.model import Question

JUDGE = """
[tool.pytest-mllm-judge.judges.ours]
kind = "openai"
model = "judge-1"
base_url = "http://127.0.0.1:9/v1"
temperature = 0
{more}

[tool.pytest-mllm-judge.judges.own]
kind = "callable"
function = "own.py:ask"
model = "judge-1"

[tool.pytest-mllm-judge.judges.said]
kind = "log"
path = "said.jsonl"
"""
CASSETTE = Path("cassettes/ours.jsonl")
Body = dict[str, Any]
Told = Callable[..., tuple[int, list[str]]]


def item(number: int, **more: Any) -> Body:
    responses = [{"text": f"answer {number}"}, {"text": "another"}]
    images = [f"{number}.png"]
    return {
        "id": f"pair-{number}",
        "task": "pair",
        "responses": responses,
        "images": images,
        "human": "A",
        **more,
    }


def setting(*items: Body, repeat: int = 1, more: str = "") -> None:
    Path("items.jsonl").write_text("".join(json.dumps(one) + "\n" for one in items))
    manifest = f'format = "mllm-judge/1"\nitems = "items.jsonl"\n[probes]\nrepeat = {repeat}\n'
    Path("benchmark.toml").write_text(manifest)
    Path("pyproject.toml").write_text(JUDGE.format(more=more))


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two pairs with a picture each in the current folder, and three judges."""
    monkeypatch.chdir(tmp_path)
    setting(item(1), item(2))
    for number in (1, 2):
        Image.new("RGB", (40, 20), (number, 0, 0)).save(f"{number}.png")
    Path("said.jsonl").write_text('{"item": "pair-1", "verdict": "A"}\n')
    Path("own.py").write_text("def ask(question): raise RuntimeError('asked')\n")
    return tmp_path


@pytest.fixture
def bring(bench: Path, capsys: pytest.CaptureFixture[str]) -> Told:
    """Imports files for `ours`: the exit status, and what was printed, line by line."""
    assert bench.is_dir()

    def run(*files: str, judge: str = "ours", benchmark: str = ".") -> tuple[int, list[str]]:
        capsys.readouterr()
        status = main(["cassette", "import", *files, "--judge", judge, benchmark])
        told = capsys.readouterr()
        return status, (told.out + told.err).splitlines()

    return run


def questions(judge: str = "ours") -> list[Question]:
    return list(Session(root=Path.cwd()).run(judge, Path.cwd()).wanted())


def body_of(question: Question, **more: Any) -> Body:
    """The request that somebody else's client sent: its parts cut otherwise, with keys of its own."""
    messages = [chat_message(message) for message in question.messages]
    for message in messages:
        if isinstance(message["content"], str):
            half = len(message["content"]) // 2
            parts = [message["content"][:half], message["content"][half:]]
            message["content"] = [{"type": "text", "text": part} for part in parts]
    settings = {key: int(value) if value == 0 else value for key, value in question.settings.items()}
    return {
        "user": "somebody",
        "messages": messages,
        "model": question.model,
        "stream": False,
        **settings,
        **more,
    }


def reply(said: str = "Judgement: [[A]]", **more: Any) -> Body:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": said}}
    usage = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    body = {"id": "x", "object": "chat.completion", "created": 1, "model": "judge-1-0701", "usage": usage}
    return {**body, "choices": [choice], **more}


def interaction(
    asked: Body,
    answer: Any = None,
    *,
    status: int = 200,
    kind: str = "application/json",
    headers: Body | None = None,
) -> Body:
    text = answer if isinstance(answer, str) else json.dumps(reply() if answer is None else answer)
    return {
        "request": {
            "method": "POST",
            "uri": "https://api.example/v1/chat/completions",
            "body": json.dumps(asked),
            "headers": headers or {},
        },
        "response": {
            "status": {"code": status, "message": ""},
            "headers": {"Content-Type": [kind]},
            "body": {"string": text},
        },
    }


def write(*interactions: Body, name: str = "plain.json") -> str:
    Path(name).write_text(json.dumps({"version": 1, "interactions": list(interactions)}))
    return name


def verdicts(judge: str = "ours") -> list[tuple[Any, str | None, str | None]]:
    session = Session(root=Path.cwd())
    told: list[tuple[Any, str | None, str | None]] = [
        (one.verdict, one.problem, one.model) for one in session.run(judge, Path.cwd()).judgements()
    ]
    session.close()
    return told


def test_what_was_recorded_elsewhere_replays_here(bring: Told) -> None:
    one, two = questions()
    file = write(interaction(body_of(two), reply("Judgement: [[B]]")), interaction(body_of(one)))
    assert bring(file) == (0, ["cassettes/ours.jsonl: 2 exchanges imported"])
    assert verdicts() == [("A", None, "judge-1-0701"), ("B", None, "judge-1-0701")]
    assert main(["cassette", "check", "."]) == 0


def test_a_cassette_is_as_if_recorded_here(bring: Told) -> None:
    bring(write(*(interaction(body_of(question)) for question in questions())))
    (line, _) = map(json.loads, CASSETTE.read_text().splitlines())
    assert (line["item"], line["reply"], line["by"], line["usage"]) == (
        "pair-1",
        "Judgement: [[A]]",
        "judge-1-0701",
        [7, 3],
    )
    assert line["settings"] == {"temperature": 0.0}
    assert "base64" not in CASSETTE.read_text()
    assert sorted(file.name for file in CASSETTE.parent.iterdir()) == ["ours.jsonl"]


def test_pictures_are_compared_as_they_would_be_sent_today(bring: Told) -> None:
    setting(item(1), item(2), more='max_side = 10\nencode = "jpeg"')
    file = write(*(interaction(body_of(question)) for question in questions()))
    assert bring(file)[0] == 0
    setting(item(1), item(2), more="max_side = 11")
    status, told = bring(file)
    assert status == 1
    assert told[0] == "cassettes/ours.jsonl: 0 exchanges imported"
    assert told[2].startswith(f"    {file}, interaction 1: nearest to pair-")
    assert told[3].startswith("      user message, image 1: recorded ")


def test_the_next_that_says_the_same_is_the_next_repeat(bring: Told) -> None:
    setting(item(1), item(2), repeat=2)
    one = questions()[0]
    told = [interaction(body_of(one), reply(f"Judgement: [[{verdict}]]")) for verdict in ("B", "A", "tie")]
    assert bring(write(*told)) == (
        0,
        [
            "cassettes/ours.jsonl: 2 exchanges imported",
            "  left out  1 interaction: a repeat beyond those that the benchmark asks for",
            "  missing   2 questions without a reply: pair-2, pair-2 (repeat 1)",
        ],
    )
    assert [verdict for verdict, _, _ in verdicts()[:2]] == ["B", "A"]


def test_repeats_with_seeds_of_their_own_are_told_apart(bring: Told) -> None:
    setting(item(1), repeat=2, more="seed = 5")
    first, second = questions()
    file = write(interaction(body_of(second), reply("Judgement: [[B]]")), interaction(body_of(first)))
    assert bring(file)[1] == ["cassettes/ours.jsonl: 2 exchanges imported"]
    assert [verdict for verdict, _, _ in verdicts()] == ["A", "B"]


def test_items_that_ask_the_same_share_a_reply(bring: Told) -> None:
    setting(item(1), {**item(1), "id": "again"})
    file = write(interaction(body_of(questions()[0])))
    assert bring(file) == (0, ["cassettes/ours.jsonl: 1 exchange imported"])
    assert [json.loads(line)["item"] for line in CASSETTE.read_text().splitlines()] == ["again"]
    assert [verdict for verdict, _, _ in verdicts()] == ["A", "A"]


def test_what_is_there_already_stays(bring: Told) -> None:
    one, two = questions()
    bring(write(interaction(body_of(one))))
    before = CASSETTE.read_text()
    other = write(interaction(body_of(one), reply("Judgement: [[B]]")))
    assert bring(other) == (
        0,
        [
            "cassettes/ours.jsonl: 0 exchanges imported, 1 already there",
            "  missing   1 question without a reply: pair-2",
        ],
    )
    assert CASSETTE.read_text() == before
    both = write(*(interaction(body_of(each)) for each in (one, two)), name="both.json")
    assert bring(other, both) == (
        0,
        [
            "cassettes/ours.jsonl: 1 exchange imported, 1 already there",
            "  left out  1 interaction: a repeat beyond those that the benchmark asks for",
        ],
    )
    assert CASSETTE.read_text().splitlines()[0] == before.splitlines()[0]


def test_what_can_be_no_reply_is_left_out_and_counted(bring: Told) -> None:
    one, _ = questions()
    file = write(
        interaction({"model": "embed", "input": "x"}),
        interaction(body_of(one, stream=True), "data: {}\n\n", kind="text/event-stream; charset=utf-8"),
        interaction(body_of(one), {"error": {}}, status=429),
        interaction(body_of(one), "busy", status=503, kind="text/plain"),
        interaction(body_of(one), {"error": {"message": "no"}}, status=401),
        interaction(body_of(one), "<html>", kind="text/html"),
        interaction(body_of(one), "not json"),
        interaction(body_of(one), {"anything": "else"}),
        interaction(body_of(one)),
    )
    assert bring(file) == (
        0,
        [
            "cassettes/ours.jsonl: 1 exchange imported",
            "  left out  1 interaction: no chat request",
            "            1 interaction: streamed (text/event-stream), where a cassette holds whole replies",
            "            2 interactions: a status that is asked again (408, 409, 429, 5xx)",
            "            4 interactions: no chat completion in the answer",
            "  missing   1 question without a reply: pair-2",
        ],
    )
    assert verdicts()[0][0] == "A"


def test_what_answers_no_question_says_where_the_nearest_differs(bring: Told) -> None:
    one, _ = questions()
    changed = body_of(one)
    changed["messages"][-1]["content"][-1]["text"] += " Answer in French."
    changed["messages"][-1]["content"][1]["image_url"]["detail"] = "low"
    other = body_of(one, model="judge-2", temperature=1, top_p=0.5)
    file = write(interaction(changed), *[interaction(other)] * 4)
    status, told = bring(file)
    sent = next(part for part in changed["messages"][-1]["content"] if "image_url" in part)
    assert base64.b64decode(sent["image_url"]["url"].partition(",")[2]) == Path("1.png").read_bytes()
    last = max(n for n, part in enumerate(changed["messages"][-1]["content"]) if "text" in part)
    length = len(changed["messages"][-1]["content"][last]["text"]) - len(" Answer in French.")
    differs = [
        '      model: recorded "judge-2", asked "judge-1"',
        "      setting temperature: recorded 1, asked 0",
        "      setting top_p: recorded 0.5, asked nothing",
    ]
    assert (status, told) == (
        1,
        [
            "cassettes/ours.jsonl: 0 exchanges imported",
            "  left out  5 interactions: an answer to no question that the benchmark asks",
            f"    {file}, interaction 1: nearest to pair-1",
            f"      user message, text 2 from character {length}: recorded ' Answer in French.', asked ''",
            "      user message, image 1, detail: recorded low, asked nothing",
            f"    {file}, interaction 2: nearest to pair-1",
            *differs,
            f"    {file}, interaction 3: nearest to pair-1",
            *differs,
            "  missing   2 questions without a reply: pair-1, pair-2",
        ],
    )
    assert not CASSETTE.exists()


def test_many_questions_without_a_reply_are_counted(bring: Told) -> None:
    setting(item(1), item(2), repeat=3)
    status, told = bring(write(interaction(body_of(questions()[0]))))
    assert (status, told[1:]) == (
        0,
        ["  missing   5 questions without a reply: pair-1 (repeat 1), pair-1 (repeat 2), pair-2 and 2 more"],
    )


def test_a_secret_is_not_taken_over(bring: Told) -> None:
    one, two = questions()
    told = "The key is recorded-elsewhere-0123456789. Judgement: [[A]]"
    headers = {"Authorization": ["Bearer recorded-elsewhere-0123456789"]}
    file = write(interaction(body_of(one), reply(told), headers=headers), interaction(body_of(two)))
    assert bring(file) == (
        0,
        [
            "cassettes/ours.jsonl: 1 exchange imported",
            f"  refused   {file}, interaction 1: cassettes/ours.jsonl: the exchange for pair-1 was not "
            "written: it holds the value of the header 'authorization'",
            "              Take it out of the prompt, the settings or the image addresses; if the judge said "
            "it, change that key first, for it has leaked.",
            "  missing   1 question without a reply: pair-1",
        ],
    )
    assert "recorded-elsewhere" not in CASSETTE.read_text()


def test_a_secret_is_not_told_either(bring: Told) -> None:
    one, _ = questions()
    headers = {"Authorization": ["Bearer recorded-elsewhere-0123456789"]}
    bodies = [body_of(one), body_of(one, stop="https://me:pass@e.org/a?sig=abc")]
    bodies[0]["messages"][-1]["content"][-1]["text"] += " recorded-elsewhere-0123456789"
    _, told = bring(write(*(interaction(body, headers=headers) for body in bodies)))
    assert " recorded ' ***', asked ''" in told[3]
    assert told[5] == '      setting stop: recorded "https://***@e.org/a?***", asked nothing'


def test_a_function_as_a_judge_can_be_given_replies_too(bring: Told) -> None:
    file = write(*(interaction(body_of(question)) for question in questions("own")))
    assert bring(file, judge="own")[1] == ["cassettes/own.jsonl: 2 exchanges imported"]
    assert [verdict for verdict, _, _ in verdicts("own")] == ["A", "A"]


def test_files_may_stand_on_either_side_of_the_judge(bring: Told) -> None:
    one, two = questions()
    write(interaction(body_of(one)), name="one.json")
    write(interaction(body_of(two)), name="two.json")
    assert bring("one.json", "two.json") == (0, ["cassettes/ours.jsonl: 2 exchanges imported"])
    assert main(["cassette", "import", "--judge", "ours", "one.json", "."]) == 0
    with pytest.raises(SystemExit):
        main(["cassette", "import", "one.json", ".", "--judge", "ours", "--nope"])


def test_what_is_not_there_is_said(bring: Told) -> None:
    file = write(interaction(body_of(questions()[0])))
    assert bring(file, judge="our")[1][0] == "error: there is no judge 'our'; did you mean 'ours'?"
    assert bring(file, judge="said") == (
        1,
        ["error: judge 'said' is not recorded, so it has no cassette: its kind answers without being asked"],
    )
    assert bring("gone.yaml") == (
        1,
        [
            "error: gone.yaml: can't be read as a vcrpy cassette (there is no such file)",
            "  What can be imported is what vcrpy wrote, as YAML, or as JSON in a file named .json.",
        ],
    )
    assert bring(file, benchmark="nowhere")[1] == ["error: nowhere: can't be read: No such file or directory"]
    assert bring() == (1, ["error: cassette import: name the files, then the benchmark's folder"])
    assert not CASSETTE.exists()
