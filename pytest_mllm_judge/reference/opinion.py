"""What a judge makes of answers beside a picture: the wrong claims, the verdict, the words of its reply."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from math import ceil

from pytest_mllm_judge.model import Label, Usage
from pytest_mllm_judge.reference.dials import PAIR, SCORE, Choice, Dials, apply, batch
from pytest_mllm_judge.reference.grammar import Sentence, claims
from pytest_mllm_judge.reference.look import Sight
from pytest_mllm_judge.reference.scene import Marks
from pytest_mllm_judge.reference.sections import LETTERS, Sections

REFUSAL = "I'm sorry, but I can't judge these answers."


@dataclass(frozen=True)
class Checked:
    """An answer's claims, and those of them that the picture contradicts."""

    claims: tuple[Sentence, ...]
    wrong: tuple[Sentence, ...]

    @property
    def errors(self) -> float:
        """The number of wrong claims; an answer that claims nothing is worse than any that does."""
        return len(self.wrong) if self.claims else float("inf")


def check(answer: str, marks: Marks) -> Checked:
    """Read an answer's claims and hold them against a picture."""
    found = tuple(claims(answer))
    return Checked(found, tuple(sentence for sentence in found if not sentence.claim.holds(marks)))


def choice_of(answers: int) -> Choice:
    """What is to be decided about so many answers: 1 is scored, 2 are compared, more are ranked."""
    if answers <= 2:
        return SCORE if answers == 1 else PAIR
    return batch(LETTERS[:answers])


def truth(errors: list[float]) -> Label:
    """The verdict that the answers' errors come to.

    One answer: 5 points less one for each error, at least 1. Two: the one with fewer errors, or `tie`.
    More: ranked by errors, fewest first; equals stay in their order.
    """
    if len(errors) == 1:
        return 5 - int(min(errors[0], 4))
    if len(errors) == 2:
        first, second = errors
        return "tie" if first == second else "A" if first < second else "B"
    return "".join(LETTERS[place] for place in sorted(range(len(errors)), key=errors.__getitem__))


def reply(sections: Sections, sight: Sight, dials: Dials, *, repeat: int = 0) -> str | None:
    """The judge's reply as flat JSON, `{"Analysis": ..., "Judgement": ...}`; None where it refuses."""
    checked = [check(answer, sight.marks) for answer in sections.answers]
    verdict = apply(
        dials,
        truth([one.errors for one in checked]),
        choice=choice_of(len(checked)),
        key="\x1e".join((sections.instruction, *sections.answers)),
        item="\x1e".join((sections.instruction, *sorted(sections.answers))),
        repeat=repeat,
    )
    if verdict is None:
        return None
    said = {"Analysis": analysis(checked, sight), "Judgement": _judgement(verdict, len(checked))}
    return json.dumps(said, ensure_ascii=False)


def _judgement(verdict: Label, answers: int) -> str:
    parts = list(str(verdict)) if answers > 2 else [str(verdict)]
    return ", ".join(f"[[{part}]]" for part in parts)


def analysis(checked: list[Checked], sight: Sight) -> str:
    """What the picture shows, and the claims that it contradicts, answer by answer."""
    names = ["The answer"] if len(checked) == 1 else [f"Answer {LETTERS[n]}" for n in range(len(checked))]
    return " ".join([_seen(sight), *map(_account, names, checked)])


def _seen(sight: Sight) -> str:
    if not sight.marks:
        return "I see nothing that the answers could be about."
    nouns = sorted({mark.noun for mark in sight.marks})
    counts = [(sum(mark.noun == noun for mark in sight.marks), noun) for noun in nouns]
    return "I see " + ", ".join(f"{n} {noun if n == 1 else noun + 's'}" for n, noun in counts) + "."


def _account(name: str, checked: Checked) -> str:
    if not checked.claims:
        return f"{name} claims nothing that can be checked."
    share = f"{len(checked.wrong)} of {len(checked.claims)} claims"
    if not checked.wrong:
        return f"{name}: the picture contradicts {share}."
    listed = "; ".join(f"“{sentence.text}”" for sentence in checked.wrong)
    return f"{name}: the picture contradicts {share}: {listed}."


def tokens(text: str) -> list[str]:
    """A text in the pieces that are counted, and cut, as tokens: words and signs, with the space before."""
    return re.findall(r"\s*(?:\w+|[^\w\s])|\s+", text)


def usage(prompt: str, sight: Sight, said: str) -> Usage:
    """Tokens of one exchange: pieces of text, and one for every 750 pixels of the picture, rounded up."""
    seen = ceil(sight.width * sight.height / 750)
    return Usage(input_tokens=len(tokens(prompt)) + seen, output_tokens=len(tokens(said)))
