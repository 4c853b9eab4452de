"""GenAI-Bench: the published accuracies by its protocol's parser, and why strict reading differs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.real import genai_bench_table as table

# Percent right by judge: image generation, image edition, video generation. From the leaderboard in the
# README of github.com/TIGER-AI-Lab/GenAI-Bench (f0b0334d), as shared/data/genai_bench/recompute.py lists it.
PUBLISHED = """
random 25.36 25.9 25.16
gpt4o 45.59 53.54 48.46
gemini-1.5-pro 44.67 55.93 46.21
llava 37.0 26.12 30.4
idefics2 42.25 27.31 16.46
llavanext 22.65 25.35 21.7
minicpm-V-2.5 37.81 25.24 6.55
blip2 26.34 26.01 16.93
videollava 37.75 26.66 0.0
cogvlm 29.34 0.0 24.6
qwenVL 26.63 14.91 2.15
instructblip 3.11 19.8 3.74
idefics1 0.81 5.66 0.19
ottervideo 0 0 0
mantis-8b-idefics2 0 0 0
otterimage 0 0 0
kosmos2 0 0 0
"""


@pytest.fixture(scope="module")
def rows(shared: Path) -> dict[str, table.Row]:
    return {row.judge: row for row in table.rows(shared / "genai_bench")}


def test_all_51_published_accuracies_come_out_to_two_decimals(rows: dict[str, table.Row]) -> None:
    published = {}
    for line in PUBLISHED.split("\n")[1:-1]:
        judge, *figures = line.split()
        published[judge] = dict(zip(table.PARTS, map(float, figures), strict=True))
    assert sum(map(len, published.values())) == 51
    assert {judge: rows[judge].percent(rows[judge].published) for judge in published} == published


def test_every_reply_that_is_read_differently_has_a_cause(rows: dict[str, table.Row]) -> None:
    causes = {judge: dict(row.causes) for judge, row in rows.items() if row.causes}
    assert all(why for found in causes.values() for why in found), causes
    # The strictest difference of all: a judge that answers without brackets is nought as published.
    assert causes["mantis-8b-idefics2"] == {"the choice alone, without brackets": 2632}
    assert set(causes["gemini-1.5-pro"]) == {
        "[[A=B]] leaves the kind of tie open",
        "states several choices; upstream takes the first line's",
        "several brackets on one line that agree, or one choice among them",
    }
    assert "gpt4o" not in causes


def test_a_run_that_lost_its_images_refuses(rows: dict[str, table.Row]) -> None:
    lost, later = rows["gemini_first_run_no_images"], rows["gemini-1.5-pro"]
    assert lost.problems["refused"] > 0.9 * lost.items.total()
    assert later.problems["refused"] + later.problems["malformed"] < 0.05 * later.items.total()


def test_the_table_names_every_cause_and_every_judge(rows: dict[str, table.Row]) -> None:
    assert len(rows) == 18
    shown = table.show(rows["gemini-1.5-pro"])
    assert shown.startswith("gemini-1.5-pro               44.67  44.73   55.93  55.82   46.21  46.12")
    assert "UNEXPLAINED" not in "".join(map(table.show, rows.values()))
