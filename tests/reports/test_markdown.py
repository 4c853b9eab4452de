"""The report as Markdown."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from posixpath import normpath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mllm_judge.reports.escaping import block, cell, inline, picture, point
from pytest_mllm_judge.reports.making import report
from pytest_mllm_judge.reports.markdown import cut_to, markdown
from tests.reports.records import BENCH, case, member, record_of_cases, upgrade_gate, upgraded

NASTY = (
    "a|b `c` <script>f()</script> ![x](http://e.vil) *b* _i_ $m$ @all\n\n# head\n| - | \x1b[31m\u202e ```\n"
)


def test_the_answer_stands_first_and_its_reason_behind_it() -> None:
    assert markdown(report(upgraded())).splitlines()[:9] == [
        "# May new replace old on bench?",
        "",
        "**Yes.** It is not worse than old by more than the margin on pair.accuracy, which decides.",
        "",
        "## What decides",
        "",
        "| comparison | outcome | candidate | baseline | difference | margin | n | regressed |",
        "|---|---|---|---|---|---|---|---|",
        "| pair.accuracy | holds | 0.800 | 0.820 | -0.020 (-0.037 to -0.003) | 0.05 (shows 0.037) | 4 | no |",
    ]


def test_slices_are_counted_and_those_that_regressed_shown() -> None:
    where = {"field": "source", "value": "maps"}
    calm = member("pair.accuracy [source maps]", slice=where, decides=False)
    bad = {**calm, "name": "pair.accuracy [source charts]", "regressed": True, "p_holm": 0.0004}
    text = markdown(report(upgraded(gates=[upgrade_gate(member(), calm, bad)])))
    assert "2 looked at, 1 of 2 regressed. They decide nothing." in text
    assert "| pair.accuracy &#91;source charts&#93; | holds |" in text
    assert "| yes (p &#60; 0.001) |" in text
    assert "source maps" not in text
    none = markdown(report(upgraded(gates=[upgrade_gate(member(), calm)])))
    assert "1 looked at, none regressed. They decide nothing." in none


def test_a_flip_has_its_picture_labels_verdicts_and_both_analyses() -> None:
    more = {"images": ["images/a b.png"], "source": "maps", "human": ["A", "A", "tie"]}
    record = upgraded(case("i-1", judge="old", **more), case("i-1", verdict="B", analysis="It is B.", **more))
    text = markdown(report(record), place=lambda image: f"../{image}")
    start = text.index("<details>")
    assert text[start : text.index("</details>")].splitlines() == [
        "<details><summary><b>i-1</b> (maps): A → B, humans A or tie</summary>",
        "",
        "![i-1](../bench/images/a%20b.png)",
        "",
        "humans: A, A, tie · bench/images/a b.png",
        "",
        "old said A",
        "",
        "```text",
        "It is A.",
        "```",
        "",
        "new said B",
        "",
        "```text",
        "It is B.",
        "```",
        "",
    ]


def test_a_problem_tells_its_reason_and_no_reply_shows_none() -> None:
    none = {"verdict": None, "problem": "error", "reason": "the server | is down", "analysis": None}
    text = markdown(report(upgraded(case("i-1", judge="old"), case("i-1", **none))))
    assert "new said error (the server &#124; is down)\n\n</details>" in text


def test_noise_and_points_and_distances_are_told_of_each_flip() -> None:
    score = {"task": "score", "human": [4], "authors": ["m"], "lengths": [9]}
    batch = {"task": "batch", "human": ["ABC"], "authors": ["m"] * 3, "lengths": [9] * 3}
    cases = [
        case("s", judge="old", verdict=4, **score),
        case("s", verdict=2, **score),
        case("s", judge="old", verdict=4, repeat=1, **score),
        case("s", verdict=4, repeat=1, **score),
        case("b", judge="old", verdict="ABC", **batch),
        case("b", verdict="BAC", **batch),
    ]
    text = markdown(report(upgraded(*cases)))
    assert "<b>s</b>: 4 → 2, humans 4, -2 points, noise</summary>" in text
    assert "<b>b</b>: ABC → BAC, humans ABC, distance 0.000 → 0.667</summary>" in text
    assert "1 of these flips are noise: asking the same judge again also produces them." in text
    assert (
        "Whether that is noise is not known: ask each item twice to tell noise: [probes] repeat = 2." in text
    )


def test_problems_cost_settings_and_models_that_answered_are_told() -> None:
    refused = {"verdict": None, "problem": "refused", "reason": "no", "agreed": False}
    record = record_of_cases(
        [
            case("i-1", tokens=[1000, 20], cost=0.5, model="m-2024"),
            case("i-2", tokens=[2000, 30], model="m-2025", **refused),
        ]
    )
    (run,) = record.runs.values()
    run |= {"model": "m", "limit": 2}
    run["identity"] = {
        "prompt": "no-cot.v1",
        "prompt_digest": "ab",
        "parser": "strict",
        "settings": {"top_p": 1},
    }
    lines = markdown(report(record)).splitlines()
    assert lines[0] == "# Judge new on bench"
    assert "| refused | 1 | no |" in lines
    assert lines[-9:] == [
        "- model asked for: m",
        "- answered by: m-2024 (1), m-2025 (1)",
        "- prompt: no-cot.v1",
        "- prompt digest: ab",
        "- parser: strict",
        "- settings: top_p = 1",
        "- 2 questions, 3,000 input and 50 output tokens, cost 0.5000 (1 replies without a price)",
        "- limit: 2 of 4 items, so no gate speaks for the whole benchmark",
        "",
    ]


def test_a_claim_of_a_test_is_told_in_full() -> None:
    record = record_of_cases([case("i-1")])
    record.claims["t.py::test_a", 3] = {"outcome": "fails", "text": "fails: pair.accuracy\n  seen 0.5"}
    text = markdown(report(record))
    assert (
        "<details><summary>t.py::test_a: fails</summary>\n\n```text\nfails: pair.accuracy\n  seen 0.5\n```"
        in text
    )


def unfenced(text: str) -> str:
    """The text without its fenced blocks."""
    return re.sub(r"^(`{3,})text\n.*?^\1$", "", text, flags=re.MULTILINE | re.DOTALL)


def test_a_gate_is_not_told_again_as_a_claim() -> None:
    record = upgraded()
    (gate,) = record.gates
    record.claims[gate, 1] = {"outcome": "holds", "text": "holds: pair.accuracy"}
    assert "Claims of tests" not in markdown(report(record))


class Tags(HTMLParser):
    """The tags of a text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        del attrs
        self.seen.add(tag)


def test_nothing_that_an_item_or_a_reply_holds_draws_anything() -> None:
    more = {"source": NASTY, "images": [NASTY], "human": ["A"], "model": NASTY}
    record = upgraded(
        case(NASTY, judge="old", analysis=NASTY, **more),
        case(NASTY, verdict=None, problem="error", reason=NASTY, analysis=NASTY, **more),
    )
    record.claims[NASTY, 1] = {"outcome": "holds", "text": NASTY}
    whole = markdown(report(record))
    text = unfenced(whole)
    assert whole.count("\n````text\n") == 3
    assert Tags(text).seen == {"details", "summary", "b"}
    assert "http://" not in text
    assert re.findall(r"\]\((.*?)\)", text) == [picture(normpath("bench/" + NASTY), name="")[4:-1]]
    assert [line for line in text.splitlines() if line.startswith("# head")] == []
    assert not re.search("[\x1b\u202e]", whole)


def test_every_row_has_as_many_cells_as_its_heading() -> None:
    record = upgraded(case("i|1", judge="old", source="a|b"), case("i|1", verdict="B", source="a|b"))
    for table in re.findall(r"(?:^\|.*\n)+", unfenced(markdown(report(record))), flags=re.MULTILINE):
        assert len({line.count("|") for line in table.splitlines()}) == 1


TEXTS = st.text(alphabet=st.sampled_from(list("abw1-+.|`*_<>&[]()!\\~#$@\n\r\t /:=\x00\ud800")), max_size=30)


@given(TEXTS)
def test_an_inline_text_is_one_line_and_means_nothing(text: str) -> None:
    line = inline(text)
    assert not re.search(r"[<>|`*\[\]\\~$@\n\r\x00]", line)
    assert not re.search(r"(?<![^\W_])_|_(?![^\W_])", line)
    assert "://" not in line
    line.encode()


@given(TEXTS)
def test_a_point_begins_no_other_list(text: str) -> None:
    assert not re.match(r"[-+=]|\d+[.)]", point(text))


@given(TEXTS)
def test_a_block_ends_where_it_should(text: str) -> None:
    first, *within, last = block(text)
    assert first == last + "text"
    assert not any(line.strip().startswith(last) for line in within)
    assert "\n" not in "".join(within)


def test_a_cell_is_shortened() -> None:
    assert cell("x" * 200) == "x" * 159 + "…"


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("a/b c.png", "![i](a/b%20c.png)"),
        ("a/b)(.png", "![i](a/b%29%28.png)"),
        ("https://e.org/x.png?y=1&z", "![i](https://e.org/x.png?y=1&z)"),
        ("https://e.org/x) <b>.png", "![i](https://e.org/x%29%20%3Cb%3E.png)"),
        ("javascript:alert(1)", "javascript:alert(1)"),
        ("data:image/png;base64,AA", "data:image/png;base64,AA"),
    ],
)
def test_a_picture_is_a_relative_path_or_an_http_address(path: str, shown: str) -> None:
    assert picture(path, name="i") == shown


def many(count: int) -> list[dict[str, object]]:
    flips = []
    for number in range(count):
        name = f"i-{number:03}"
        flips += [case(name, judge="old"), case(name, verdict="B", analysis="b" * 500)]
    return flips


def test_a_report_that_is_too_long_loses_flips_and_says_so() -> None:
    whole = report(upgraded(*many(60)))
    text = cut_to(whole, room=30_000)
    assert len(text.encode()) <= 30_000
    assert "30 more are left out: there is no room here. --judge-report=run.md has all." in text
    assert text.count("<details>") == 30
    assert markdown(whole).count("<details>") == 60


def test_a_report_with_room_is_whole() -> None:
    whole = report(upgraded())
    assert cut_to(whole, room=2**20) == markdown(whole)


@pytest.mark.parametrize("room", [0, 50, 400, 2000, 5000])
def test_a_report_never_takes_more_than_its_room(room: int) -> None:
    whole = report(upgraded(*many(20)))
    text = cut_to(whole, room=room)
    assert len(text.encode()) <= room
    if room >= 400:
        assert text.endswith("--judge-report=run.md has all.\n") or "left out" in text


def test_the_folder_of_the_project_is_in_no_report() -> None:
    assert BENCH not in markdown(report(upgraded()))
