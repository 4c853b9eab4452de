"""No key, cookie or organisation reaches a file, a warning or a message, however it is spelled."""

from __future__ import annotations

import base64
import json
import socket
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from pytest_mllm_judge.errors import CassetteError
from pytest_mllm_judge.runs import patience

from .bench import item, running, written
from .loopback import Server, completion

SECRET = 'zq7+Wk/2="x-4\\Lm.9tRb'
"""A key like no provider's, with what JSON, addresses and base64 spell otherwise."""
JSON = {"content-type": "application/json"}
HEADERS = (
    "api-key",  # Azure
    "x-goog-api-key",  # Google
    "x-api-key",  # Anthropic
    "OpenAI-Organization",
    "OpenAI-Project",
    "X-Team-Token",
    "Proxy-Authorization",
)


@dataclass
class Told:
    """All that came of a run: what its files held while it ran and after it, and what it said."""

    files: dict[str, str] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)

    def look(self, folder: Path) -> None:
        """Add what the files hold now that recording writes."""
        for file in sorted((folder / "cassettes").rglob("*")):
            if file.is_file():
                known = self.files.get(file.name, "")
                self.files[file.name] = known + file.read_text("utf-8", "surrogateescape")

    def holding(self, *secrets: str) -> list[str]:
        """Where one of the secrets stands, in any spelling that a reader could undo by hand."""
        places = {**self.files, **{f"words {number}": text for number, text in enumerate(self.words)}}
        spelled = [spell(secret) for secret in secrets for spell in SPELLINGS.values()]
        spelled += [json.dumps(each, ensure_ascii=False)[1:-1] for each in spelled]
        return [place for place, text in places.items() if any(each in text for each in spelled)]


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


SPELLINGS: dict[str, Callable[[str], str]] = {
    "plain": lambda secret: secret,
    "in JSON": lambda secret: json.dumps(secret)[1:-1],
    "in JSON in JSON": lambda secret: json.dumps(json.dumps(secret))[3:-3],
    "in JSON, its slashes escaped": lambda secret: json.dumps(secret)[1:-1].replace("/", "\\/"),
    "in JSON, in letters' numbers": lambda secret: "".join(f"\\u{ord(letter):04x}" for letter in secret),
    "in an address": lambda secret: quote(secret, safe=""),
    "in an address, in small letters": lambda secret: quote(secret, safe="").replace("%2B", "%2b"),
    "in base64": _base64,
    "in base64, after a name": lambda secret: _base64(f"judge:{secret}"),
    "in base64, after a longer name": lambda secret: _base64(f"judges:{secret}"),
    "in base64, grown onto other letters": lambda secret: "key" + _base64(secret),
    "in base64 of addresses": lambda secret: base64.urlsafe_b64encode(secret.encode()).decode().rstrip("="),
}


def says(text: str) -> Callable[[dict[str, Any], int], tuple[int, dict[str, str], bytes]]:
    """A server that replies with this text."""

    def answer(body: dict[str, Any], count: int) -> tuple[int, dict[str, str], bytes]:
        said = completion(body)
        said["choices"][0]["message"]["content"] = text
        return 200, JSON, json.dumps(said).encode()

    return answer


def fails(text: str) -> Callable[[dict[str, Any], int], tuple[int, dict[str, str], bytes]]:
    """A server that refuses, in these words."""
    error = {"message": text, "type": "invalid_request_error", "param": None, "code": "invalid_api_key"}
    return lambda body, count: (400, JSON, json.dumps({"error": error}).encode())


def told(bench: Path, server: Server | str, mode: Any = "new_episodes", **table: Any) -> Told:
    """Ask about every item, and keep all that came of it."""
    result = Told()
    address = server if isinstance(server, str) else server.url
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            with running(bench, mode, base_url=address, **table) as run:
                try:
                    for each in run.items:
                        judgement = run.ask(each)
                        result.words += [judgement.reason, repr(judgement)]
                finally:
                    result.look(bench)
        except CassetteError as error:
            result.words.append(str(error))
    result.look(bench)
    result.words += [str(warning.message) for warning in caught]
    return result


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What fails is not asked again: these tests are of the words, not of the waiting."""
    monkeypatch.setattr(patience, "TRIES", 1)


@pytest.fixture
def bench(tmp_path: Path) -> Path:
    return written(tmp_path / "few", item(0), item(1))


@pytest.fixture(params=["Authorization", *HEADERS, "Cookie", "a literal header"])
def keyed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A judge's table that sends the secret in the one header or the other."""
    monkeypatch.setenv("TEAM_VALUE", SECRET)
    if request.param == "Authorization":
        return {"api_key_env": "TEAM_VALUE"}
    if request.param == "a literal header":
        return {"headers": {"X-Team-Key": SECRET}}
    if request.param == "Cookie":
        monkeypatch.setenv("TEAM_VALUE", f"theme=dark; session={SECRET}")
    return {"headers": {request.param: "env:TEAM_VALUE"}}


def test_what_is_sent_in_a_header_is_not_written(keyed: dict[str, Any], bench: Path, server: Server) -> None:
    result = told(bench, server, **keyed)
    assert "mine.jsonl" in result.files
    assert result.holding(SECRET) == []


def test_a_reply_that_says_a_secret_back_is_neither_written_nor_quoted(
    keyed: dict[str, Any], bench: Path, server: Server
) -> None:
    server.answer = says(f"I was sent {SECRET} and say [[A]].")
    result = told(bench, server, **keyed)
    assert result.holding(SECRET) == []
    assert not any("[[A]]" in text for text in result.files.values())
    assert any("was not written: it holds" in text for text in result.words)


@pytest.mark.parametrize("spelled", SPELLINGS)
def test_spelling_a_secret_otherwise_does_not_help(
    spelled: str, bench: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEAM_VALUE", SECRET)
    server.answer = says(f"I was sent {SPELLINGS[spelled](SECRET)} and say [[A]].")
    result = told(bench, server, api_key_env="TEAM_VALUE")
    assert result.holding(SECRET) == []
    assert any("was not written: it holds" in text for text in result.words)


def test_an_error_that_says_a_secret_back_is_told_without_it(
    keyed: dict[str, Any], bench: Path, server: Server
) -> None:
    server.answer = fails(f"The key {SECRET} is not known here.")
    result = told(bench, server, **keyed)
    assert result.holding(SECRET) == []
    assert any("The key *** is not known here." in text for text in result.words)


@pytest.mark.parametrize(
    "secret",
    [
        "sk-proj-abcdefghij0123456789",
        "AIzaSyA0123456789abcdefghijklmnopqrstuv",
        "Bearer abcdef0123456789abcdef",
        "org-0123456789abcdefghijABCD",
    ],
)
@pytest.mark.parametrize("spelled", ["plain", "in base64", "in JSON, in letters' numbers", "in an address"])
def test_what_looks_like_a_providers_secret_is_not_written_though_nobody_sent_it(
    secret: str, spelled: str, bench: Path, server: Server
) -> None:
    server.answer = says(f"I know {SPELLINGS[spelled](secret)} and say [[A]].")
    result = told(bench, server)
    assert result.holding(secret) == []
    assert any("was not written: it holds" in text for text in result.words)
    server.answer = fails(f"Rate limit reached for gpt-4o in {secret}.")
    result = told(bench, server)
    assert result.holding(secret) == []


def test_a_variable_that_a_judge_did_not_send_is_not_written_either(
    bench: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTHER_API_KEY", "other-key-4711-0815-2342")
    server.answer = says("The environment holds other-key-4711-0815-2342; [[A]].")
    result = told(bench, server)
    assert result.holding("other-key-4711-0815-2342") == []


def test_the_sdks_own_variables_are_not_written(
    bench: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "our-organisation-4711")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "our-project-4711")
    secrets = ("our-organisation-4711", "our-project-4711")
    for secret in secrets:
        server.answer = says(f"Hello, {secret}: [[A]]")
        assert told(bench, server).holding(*secrets) == []
        server.answer = fails(f"{secret} has no access")
        assert told(bench, server).holding(*secrets) == []


AZURE = """
import httpx2, openai
def azure(*, wrap):
    return openai.AzureOpenAI(
        azure_endpoint={url!r}, api_version="2024-10-21", api_key={key!r},
        http_client=openai.DefaultHttpxClient(transport=wrap(httpx2.HTTPTransport())))
"""


@pytest.mark.parametrize("answer", [says, fails], ids=["reply", "error"])
def test_an_azure_clients_key_is_not_written(answer: Any, bench: Path, server: Server) -> None:
    url = server.url.removesuffix("/v1")
    (bench / "clients.py").write_text(AZURE.format(url=url, key="azure-key-4711-0815"))
    server.answer = answer("You sent azure-key-4711-0815; [[A]]")
    result = told(bench, server, client="clients.py:azure")
    assert result.words
    assert result.holding("azure-key-4711-0815") == []


def test_a_key_with_letters_that_no_header_takes_is_not_told(
    bench: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEAM_VALUE", "schlüssel-ключ-4711")
    result = told(bench, server, api_key_env="TEAM_VALUE")
    assert result.holding("schlüssel-ключ-4711", "ключ", "schlüssel") == []


# Addresses

SIGNED = "https://judge:pass-4711-word@example.org/red.png?api_key=key-4711-0815&sig=a%2Fb4711"
IN_IT = ("pass-4711-word", "key-4711-0815", "a%2Fb4711", "a/b4711")


@pytest.fixture
def signed(tmp_path: Path) -> Path:
    """Two items about pictures with keys in their addresses, one short enough to be shown whole."""
    return written(
        tmp_path / "few", item(0, images=[SIGNED]), item(1, images=["https://e.org/i?key=key-4711-0815"])
    )


def test_a_key_in_an_images_address_is_not_written(signed: Path, server: Server) -> None:
    result = told(signed, server)
    assert "mine.jsonl" in result.files
    assert result.holding(*IN_IT) == []


def test_a_miss_tells_an_images_address_without_its_key(signed: Path, server: Server) -> None:
    told(signed, server)
    text = (signed / "items.jsonl").read_text()
    (signed / "items.jsonl").write_text(text.replace("red.png", "green.png").replace("/i?", "/j?"))
    result = told(signed, server, "none")
    assert [word for word in result.words if "https://e.org/j" in word], result.words
    assert [word for word in result.words if "example.org/green.png" in word]
    assert result.holding(*IN_IT) == []


def test_an_error_tells_an_images_address_without_its_key(signed: Path, server: Server) -> None:
    server.answer = fails(f"Failed to download image from {SIGNED}.")
    result = told(signed, server)
    assert result.holding(*IN_IT) == []


@pytest.mark.parametrize("answer", [None, says, fails], ids=["usual", "reply", "error"])
def test_a_key_in_the_servers_address_is_not_told(
    answer: Any, bench: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    if answer is not None:
        server.answer = answer("The key key-4711-0815 is known: [[A]]")
    (bench / "clients.py").write_text(
        "import httpx2, openai\n"
        "def keyed(*, wrap):\n"
        f"    return openai.OpenAI(base_url={server.url!r}, api_key='none',\n"
        "        default_query={'key': 'key-4711-0815'},\n"
        "        http_client=openai.DefaultHttpxClient(transport=wrap(httpx2.HTTPTransport())))\n"
    )
    result = told(bench, server, client="clients.py:keyed")
    assert result.holding("key-4711-0815") == []


def test_a_server_that_is_not_there_is_named_without_the_key_in_its_address(bench: Path) -> None:
    with socket.socket() as held:  # bound and not listening: no other test's server can take the port
        held.bind(("127.0.0.1", 0))
        address = f"http://judge:pass-4711-word@127.0.0.1:{held.getsockname()[1]}/v1?key=key-4711-0815"
        result = told(bench, address, timeout=5)
    assert any("no connection to 127.0.0.1" in word for word in result.words)
    assert result.holding(*IN_IT) == []


# Questions


def test_a_miss_masks_what_looks_like_a_key_in_what_is_asked(bench: Path, server: Server) -> None:
    key = "sk-proj-abcdefghij0123456789"
    told(bench, server)
    (bench / "own.txt").write_text(f"=== user\nKey {key}. {{{{ images(item.images) }}}}")
    prompted = told(bench, server, "none", prompt=str(bench / "own.txt"))
    settled = told(bench, server, "none", extra_body={"user": key, "metadata": {"key": key}})
    assert all(any("no recorded reply" in word for word in each.words) for each in (prompted, settled))
    assert prompted.holding(key) == settled.holding(key) == []


def test_a_question_that_holds_a_key_is_not_recorded(bench: Path, server: Server) -> None:
    key = "sk-proj-abcdefghij0123456789"
    result = told(bench, server, extra_body={"user": key})
    assert any("was not written: it holds an API key (sk-...)" in word for word in result.words)
    assert result.holding(key) == []
