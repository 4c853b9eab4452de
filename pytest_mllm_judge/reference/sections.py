"""The bracketed sections in which a prompt holds what is to be judged."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
INSTRUCTION = "[The user's instruction]"
ANSWER = "[The assistant's answer]"
END = "[End of the input]"


def answer_of(letter: str) -> str:
    """The marker above one of several answers."""
    return f"[The answer of assistant {letter}]"


@dataclass(frozen=True)
class Sections:
    """An instruction and the answers to it, in their order."""

    instruction: str
    answers: tuple[str, ...]


def write(sections: Sections) -> str:
    """The sections as text. A line of theirs that could be a marker is indented, so that reading is exact."""
    single = len(sections.answers) == 1
    lines = [INSTRUCTION, _quiet(sections.instruction)]
    for letter, answer in zip(LETTERS, sections.answers, strict=False):
        lines += [ANSWER if single else answer_of(letter), _quiet(answer)]
    return "\n".join([*lines, END])


def _quiet(text: str) -> str:
    return re.sub(r"(?m)^\[", " [", text)


def read(text: str) -> Sections:
    """Find the sections in a prompt. ValueError says what is missing.

    A marker counts only alone on its line. Where an answer repeats markers, the first well-ordered reading
    counts: the first instruction's marker, after it the first marker of a single answer or of A, after
    that the first of B, and so on; the last end marker ends the input.
    """
    lines = [line.rstrip() for line in text.split("\n")]
    places = [place for place, line in enumerate(lines) if line == END]
    if not places:
        raise ValueError(f"the prompt has no line {END!r}")
    lines = lines[: places[-1]]
    start = _find(lines, INSTRUCTION, 0)
    if start is None:
        raise ValueError(f"the prompt has no line {INSTRUCTION!r} before {END!r}")
    starts = [start, *_answers(lines, start)]
    if len(starts) == 1:
        raise ValueError(f"the prompt has no line {ANSWER!r} or {answer_of('A')!r} after {INSTRUCTION!r}")
    if len(starts) == 2 and lines[starts[1]] != ANSWER:
        raise ValueError(f"the prompt has no line {answer_of('B')!r} after {answer_of('A')!r}")
    instruction, *answers = _between(lines, starts)
    return Sections(instruction, tuple(answers))


def _answers(lines: Sequence[str], start: int) -> list[int]:
    """The lines of the answers' markers, in order."""
    single, several = _find(lines, ANSWER, start), _find(lines, answer_of("A"), start)
    if single is not None and (several is None or single < several):
        return [single]
    found: list[int] = []
    for letter in LETTERS:
        place = _find(lines, answer_of(letter), found[-1] if found else start)
        if place is None:
            break
        found.append(place)
    return found


def _find(lines: Sequence[str], marker: str, start: int) -> int | None:
    return next((place for place in range(start, len(lines)) if lines[place] == marker), None)


def _between(lines: Sequence[str], starts: Sequence[int]) -> list[str]:
    ends = [*starts[1:], len(lines)]
    return ["\n".join(lines[start + 1 : end]).strip() for start, end in zip(starts, ends, strict=True)]
