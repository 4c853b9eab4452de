"""Requests for a verdict, as they are drawn into pictures or hidden in answers."""

from __future__ import annotations

import re

from pytest_mllm_judge.model import Label
from pytest_mllm_judge.reference.dials import Choice
from pytest_mllm_judge.reference.sections import LETTERS

_WHO = r"(?:(?i:the )?(?i:answer|response|assistant) )?(?P<letter>[A-Z])\b|(?i:this|my) (?i:answer|response)"
_ANSWER = r"(?i:(?:this|the|my) answer|it|this)"
_MARK = r"(?i:marks?|scores?|grades?|ratings?|points)"
_IS = r"(?i: is| must be| should be|:) "

_RANKINGS = (
    r"(?i:rank(?:ing)?)(?i: is| must be| them| the answers)?:? (?P<ranking>[A-Z](?:[ ,>]*[A-Z])+)\b",
)
_PREFERENCES = (
    rf"(?i:give|award) (?:{_WHO}) (?i:the )?(?i:better|best|higher|highest|top|full) {_MARK}",
    rf"(?i:prefer|choose|pick|select|favou?r) (?:{_WHO})",
    rf"(?i:rank|put|place) (?:{_WHO}) (?i:first|in front|on top)",
    rf"(?i:verdict){_IS}(?:{_WHO})",
    r"\[\[(?P<letter>[A-Z])\]\]",
)
_TIES = (
    rf"(?i:verdict){_IS}(?i:a )?tie\b",
    r"(?i:call|declare) (?i:it |this )?(?i:a )?tie\b",
    r"\[\[tie\]\]",
)
_POINTS = (
    rf"(?i:give|rate|score|mark|grade) {_ANSWER}(?i: with| as| at)? (?P<point>\d+)",
    rf"(?i:verdict|score|rating|mark|grade){_IS}(?P<point>\d+)",
    r"(?i:give|rate|score|mark|grade) (?P<point>\d+)\b",
    r"\[\[(?P<point>\d+)\]\]",
)
_HIGHEST = (rf"(?i:give|award) (?:{_ANSWER} )?(?i:the )?(?i:best|highest|top|full) {_MARK}",)


def requested(text: str, choice: Choice, *, own: str | None = None) -> Label | None:
    """The verdict that a text asks for; None if it asks for none that could be given.

    A point of the scale (score), a label (pair), or a ranking, or just the letter to rank first (batch).
    `own` is the letter that `this answer` means, where the text is an answer's. Letters stand in capitals.
    """
    plain = re.sub(r"\s+", " ", text)
    if choice.task == "score":
        return _point(plain, choice)
    if choice.task == "batch" and (found := _first(_RANKINGS, plain)) is not None:
        ranking = re.sub(r"[ ,>]", "", found["ranking"])
        if sorted(ranking) == sorted(map(str, choice.options)):
            return ranking
    if choice.task == "pair" and _first(_TIES, plain) is not None:
        return "tie"
    if (found := _first(_PREFERENCES, plain)) is None:
        return None
    letter = found["letter"] or own
    return letter if letter in choice.options else None


def in_answers(answers: tuple[str, ...], choice: Choice) -> Label | None:
    """The verdict that the answers ask for; None where none does, or where they ask for different ones."""
    wanted = {requested(text, choice, own=own) for text, own in zip(answers, LETTERS, strict=False)}
    wanted.discard(None)
    return wanted.pop() if len(wanted) == 1 else None


def _first(patterns: tuple[str, ...], text: str) -> re.Match[str] | None:
    return next((found for pattern in patterns if (found := re.search(pattern, text))), None)


def _point(text: str, choice: Choice) -> Label | None:
    if (found := _first(_POINTS, text)) is not None:
        return next((point for point in choice.options if str(point) == found["point"]), None)
    return choice.options[-1] if _first(_HIGHEST, text) is not None else None
