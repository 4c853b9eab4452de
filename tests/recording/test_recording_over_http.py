"""A judge over the openai SDK, recorded and played."""

from __future__ import annotations

import asyncio
import gzip
import json
import random
import socket
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest

from pytest_mllm_judge.errors import CassetteError, CassetteMiss, JudgeError
from pytest_mllm_judge.model import Question, Reply
from pytest_mllm_judge.recording import Recorder

from .loopback import KEY, RERECORD, SECRETS, AskedFor, Plain, Record, Sdk, Server, completion, messages_of


def without_latency(reply: Reply) -> Reply:
    return reply.model_copy(update={"latency": None})


def test_what_was_recorded_is_played_in_any_order_without_a_socket(
    server: Server, question: AskedFor, record: Record, sdk: Sdk, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions = [question(number, repeat=repeat) for number in range(8) for repeat in range(2)]
    with record("new_episodes") as recorder:
        ask = sdk(recorder)
        recorded = {q.digest: without_latency(ask(q)) for q in questions}
    assert (recorder.recorded, recorder.played, server.total) == (16, 0, 16)
    assert len({reply.text for reply in recorded.values()}) == 8

    server.stop()

    def refuse(*_: Any) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    random.Random(7).shuffle(questions)
    with record("none") as player:
        ask = sdk(player)
        assert {q.digest: without_latency(ask(q)) for q in questions} == recorded
    assert (player.recorded, player.played) == (0, 16)


def test_an_unknown_question_is_a_miss_before_anything_is_asked(question: AskedFor, record: Record) -> None:
    def ask() -> Reply:
        raise AssertionError("it was asked")

    with record("none") as player, pytest.raises(CassetteMiss):
        player.exchange(question(), ask, over_http=True)


def test_new_episodes_asks_only_what_is_missing(
    server: Server, question: AskedFor, record: Record, sdk: Sdk
) -> None:
    with record("new_episodes") as first:
        sdk(first)(question(1))
    with record("new_episodes") as second:
        ask = sdk(second)
        ask(question(1))
        ask(question(2))
        assert second.has(question(2))
        assert not second.has(question(3))
    assert (second.played, second.recorded, server.total) == (1, 1, 2)


def test_all_asks_once_more_in_a_run_and_then_plays(
    server: Server, question: AskedFor, record: Record, sdk: Sdk
) -> None:
    with record("new_episodes") as first:
        sdk(first)(question(1))
    with record("all") as again:
        ask = sdk(again)
        assert not again.has(question(1))
        ask(question(1))
        ask(question(1))
        assert again.has(question(1))
    assert (again.recorded, again.played, server.total) == (1, 1, 2)


def test_all_knows_what_another_process_of_its_run_has_asked(
    server: Server, question: AskedFor, record: Record, sdk: Sdk
) -> None:
    one, two, other = record("all", run="r-1"), record("all", run="r-1"), record("all", run="r-2")
    sdk(one)(question(1))
    one.close(merge=False)
    sdk(two)(question(1))
    two.close(merge=False)
    assert (server.total, two.played) == (1, 1)
    sdk(other)(question(1))
    assert (server.total, other.recorded) == (2, 1)


def test_the_old_recording_stays_until_the_new_one_is_there(
    server: Server, question: AskedFor, record: Record, sdk: Sdk
) -> None:
    with record("new_episodes") as first:
        reply = without_latency(sdk(first)(question(1)))
    server.answer = lambda body, count: (500, {"content-type": "application/json"}, b'{"error":{}}')
    with record("all") as again, pytest.raises(openai.InternalServerError):
        sdk(again)(question(1))
    with record("none") as player:
        assert without_latency(sdk(player)(question(1))) == reply


def test_recording_again_gives_the_same_bytes(
    server: Server, question: AskedFor, record: Record, sdk: Sdk
) -> None:
    questions = [question(n, variant=v, repeat=r) for n in (10, 9, 1) for v in ("", "swap") for r in (0, 1)]
    with record("new_episodes") as first:
        ask = sdk(first)
        for q in questions:
            ask(q)
    before = first.path.read_bytes()
    with record("all") as again:
        ask = sdk(again)
        for q in reversed(questions):
            ask(q)
    assert again.path.read_bytes() == before
    with record("new_episodes", name="elsewhere") as elsewhere:
        ask = sdk(elsewhere)
        for q in reversed(questions):
            ask(q)
    assert elsewhere.path.read_bytes() == before
    lines = [json.loads(line) for line in before.splitlines()]
    assert [(e["item"], e.get("variant", ""), e.get("repeat", 0)) for e in lines] == sorted(
        (q.item.id, "", q.repeat) for q in questions if not q.variant
    )


def test_a_line_holds_under_300_bytes_beside_the_reply(question: AskedFor, record: Record, sdk: Sdk) -> None:
    settings = {"temperature": 0, "max_tokens": 1024, "seed": 7}
    with record("new_episodes") as recorder:
        reply = sdk(recorder)(question(1, settings=settings))
    (line,) = recorder.path.read_bytes().splitlines(keepends=True)
    assert len(line) - len((reply.text or "").encode()) < 300


def test_no_secret_no_id_and_no_header_is_written(
    server: Server, question: AskedFor, record: Record, sdk: Sdk
) -> None:
    recorder = record("new_episodes")
    sdk(recorder)(question(1))
    journal = recorder.path.with_name("shapes-old.jsonl.journal").read_text()
    recorder.close()
    written = journal + recorder.path.read_text()
    banned = (*SECRETS, "Bearer", "cookie", "127.0.0.1", "chatcmpl", "17000", "fp_", "picture")
    assert [word for word in banned if word in written] == []


def test_a_reply_that_holds_the_key_is_refused_without_telling_it(
    server: Server, question: AskedFor, record: Record, sdk: Sdk
) -> None:
    def leak(body: dict[str, Any], count: int) -> tuple[int, dict[str, str], bytes]:
        answer = completion(body)
        answer["choices"][0]["message"]["content"] = f"My key is {KEY}."
        return 200, {"content-type": "application/json"}, json.dumps(answer).encode()

    server.answer = leak
    recorder = record("new_episodes")
    with recorder, pytest.raises(CassetteError) as caught:
        sdk(recorder)(question(1))
    assert str(caught.value) == (
        f"{recorder.path}: the exchange for pair-1 was not written: "
        "it holds the value of the header 'authorization'\n"
        "  Take it out of the prompt, the settings or the image addresses; if the judge said it, "
        "change that key first, for it has leaked."
    )
    assert not recorder.path.exists()


def test_a_reply_that_holds_its_own_cookie_is_refused(
    server: Server, question: AskedFor, record: Record, sdk: Sdk
) -> None:
    def leak(body: dict[str, Any], count: int) -> tuple[int, dict[str, str], bytes]:
        answer = completion(body) | {"provider": "behind cookie-0123456789"}
        return 200, {"content-type": "application/json"}, json.dumps(answer).encode()

    server.answer = leak
    with record("new_episodes") as recorder, pytest.raises(CassetteError, match="the header 'set-cookie'"):
        sdk(recorder)(question(1))
    assert not recorder.has(question(1))


@pytest.mark.parametrize("status", [400, 401, 404, 408, 409, 429, 500, 503])
def test_an_error_status_is_never_recorded(
    server: Server, question: AskedFor, record: Record, sdk: Sdk, status: int
) -> None:
    server.answer = lambda body, count: (status, {"content-type": "application/json"}, b'{"error":{}}')
    with record("new_episodes") as recorder, pytest.raises(openai.APIStatusError):
        sdk(recorder)(question(1))
    assert list(recorder.path.parent.iterdir()) == []


@pytest.mark.parametrize(
    "given",
    [
        ("application/json", b'{"choices": [{"message"'),
        ("application/json", b'{"error": {"message": "upstream is down"}}'),
        ("application/json", b'{"object": "chat.completion", "choices": []}'),
        ("text/html", b"<h1>Sign in</h1>"),
    ],
)
def test_a_200_without_a_reply_is_not_recorded(
    server: Server, question: AskedFor, record: Record, plain: Plain, given: tuple[str, bytes]
) -> None:
    content_type, content = given
    server.answer = lambda body, count: (200, {"content-type": content_type}, content)
    with record("new_episodes") as recorder:
        with recorder.asking(question(1)):
            assert plain(recorder).post(server.url, json={}).content == content
        assert not recorder.has(question(1))


def test_a_reply_that_the_judge_cannot_read_is_not_recorded(
    server: Server, question: AskedFor, record: Record, plain: Plain
) -> None:
    strange = b'{"choices": [{"index": 0}]}'
    server.answer = lambda body, count: (200, {"content-type": "application/json"}, strange)

    def ask() -> Reply:
        answer = plain(recorder).post(server.url, json={}).json()
        raise JudgeError(f"no message in {answer}")

    with record("new_episodes") as recorder, pytest.raises(JudgeError):
        recorder.exchange(question(1), ask, over_http=True)
    assert not recorder.has(question(1))
    assert server.total == 1


def test_the_sdk_may_retry_and_only_the_reply_is_recorded(
    server: Server, question: AskedFor, record: Record
) -> None:
    def busy_twice(body: dict[str, Any], count: int) -> tuple[int, dict[str, str], bytes]:
        if count < 3:
            return 429, {"retry-after-ms": "1"}, b"{}"
        return 200, {"content-type": "application/json"}, json.dumps(completion(body)).encode()

    server.answer = busy_twice
    with record("new_episodes") as recorder:
        http = httpx2.Client(transport=recorder.wrap(httpx2.HTTPTransport()))
        with openai.OpenAI(api_key=KEY, base_url=server.url, max_retries=3, http_client=http) as client:
            asked = question(1)
            with recorder.asking(asked):
                client.chat.completions.create(model=asked.model, messages=messages_of(asked))
    assert server.total == 3
    assert len(recorder.path.read_bytes().splitlines()) == 1


def test_an_encoded_answer_is_recorded_decoded(
    server: Server, question: AskedFor, record: Record, plain: Plain
) -> None:
    def zipped(body: dict[str, Any], count: int) -> tuple[int, dict[str, str], bytes]:
        headers = {"content-type": "application/json", "content-encoding": "gzip"}
        return 200, headers, gzip.compress(json.dumps(completion(body)).encode())

    server.answer = zipped
    body = {"model": "shapes-old", "messages": []}
    with record("new_episodes") as recorder:
        with recorder.asking(question(1)):
            first = plain(recorder).post(server.url, json=body).json()
        with recorder.asking(question(1)):
            assert plain(recorder).post(server.url, json=body).json() == first
    assert b"Seen" in recorder.path.read_bytes()


def test_a_stream_is_recorded_whole(server: Server, question: AskedFor, record: Record, plain: Plain) -> None:
    events = b'data: {"choices":[{"delta":{"content":"A"}}]}\n\ndata: [DONE]\n\n'
    server.answer = lambda body, count: (200, {"content-type": "text/event-stream"}, events)
    recorder = record("new_episodes")
    for _ in range(2):
        with (
            recorder.asking(question(1)),
            plain(recorder).stream("POST", server.url, json={}) as response,
        ):
            assert response.read() == events
            assert response.headers["content-type"] == "text/event-stream"
    assert server.total == 1


def test_gathered_tasks_each_get_their_own_reply(server: Server, question: AskedFor, record: Record) -> None:
    async def gather(recorder: Recorder, order: list[Question]) -> dict[str, str]:
        http = httpx2.AsyncClient(transport=recorder.wrap(httpx2.AsyncHTTPTransport()))
        async with openai.AsyncOpenAI(
            api_key=KEY, base_url=server.url, max_retries=0, http_client=http
        ) as client:

            async def ask(asked: Question) -> tuple[str, str]:
                with recorder.asking(asked):
                    answer = await client.chat.completions.create(
                        model=asked.model, messages=messages_of(asked)
                    )
                return asked.digest, answer.choices[0].message.content or ""

            return dict(await asyncio.gather(*map(ask, order)))

    questions = [question(number) for number in range(20)]
    with record("new_episodes") as recorder:
        recorded = asyncio.run(gather(recorder, questions))
    assert len(set(recorded.values())) == 20
    server.stop()
    with record("none") as player:
        assert asyncio.run(gather(player, questions[::-1])) == recorded
    assert (recorder.recorded, player.played, server.total) == (20, 20, 20)


def test_a_request_without_a_question_is_refused(server: Server, record: Record, plain: Plain) -> None:
    recorder = record("new_episodes")
    with pytest.raises(CassetteError) as caught:
        plain(recorder).post(server.url, json={})
    assert str(caught.value) == (
        f"{recorder.path}: a request was sent while no question was asked\n"
        "  A cassette finds a reply by its question. Ask through the judge (judge.ask(item)), from the "
        "thread that the judge asks in, or use a client of its own for anything else."
    )
    assert server.total == 0


def test_a_client_that_two_judges_share_is_refused(
    server: Server, question: AskedFor, record: Record, plain: Plain
) -> None:
    mine, other = record("new_episodes"), record("new_episodes", name="other")
    with pytest.raises(CassetteError) as caught, mine.asking(question(1)):
        plain(other).post(server.url, json={})
    assert str(caught.value) == (
        f"{other.path}: a request for pair-1 was sent while the judge 'shapes-old' asked, "
        f"whose cassette is {mine.path}\n"
        "  Two judges share one client. Build one for each, on the transport it was given."
    )


def test_a_second_request_for_one_question_is_refused(
    server: Server, question: AskedFor, record: Record, plain: Plain
) -> None:
    recorder = record("new_episodes")
    client = plain(recorder)
    with recorder.asking(question(1)):
        client.post(server.url, json={"model": "m", "messages": []})
        with pytest.raises(CassetteError) as caught:
            client.post(server.url, json={"model": "m", "messages": []})
    assert str(caught.value) == (
        f"{recorder.path}: judge 'shapes-old' sent a second request for pair-1\n"
        "  A cassette holds one exchange a question. Send whatever comes beside it, such as signing in, "
        "by a client of its own."
    )


def test_a_client_that_goes_past_the_transport_is_refused(question: AskedFor, record: Record) -> None:
    recorder = record("new_episodes")
    with recorder, pytest.raises(CassetteError) as caught:
        recorder.exchange(question(1), lambda: Reply(text="A"), over_http=True)
    assert str(caught.value) == (
        f"{recorder.path}: judge 'shapes-old' answered pair-1 without a request through "
        "the cassette's transport\n"
        "  Build its client on the transport that wrap() returns."
    )


def test_items_that_ask_the_same_share_an_exchange_named_by_the_first(
    server: Server, question: AskedFor, record: Record, sdk: Sdk
) -> None:
    twins = [question(number, asks="the same") for number in (1, 2)]
    contents = []
    for name, order in (("a", twins), ("b", twins[::-1])):
        with record("new_episodes", name=name) as recorder:
            ask = sdk(recorder)
            for twin in order:
                ask(twin)
        contents.append(recorder.path.read_bytes())
    assert contents[0] == contents[1]
    assert json.loads(contents[0])["item"] == "pair-1"
    assert server.total == 2


def test_the_miss_names_the_command(question: AskedFor, record: Record, tmp_path: Path) -> None:
    with pytest.raises(CassetteMiss, match=RERECORD), record("none").asking(question(1)):
        pass
