"""What a judge makes of answers beside a picture: the wrong claims, the verdict, the words of its reply."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from math import ceil, log2

from pytest_mllm_judge.model import Label, Usage
from pytest_mllm_judge.reference.dials import (
    PAIR,
    SCORE,
    Choice,
    Dials,
    Lures,
    apply,
    batch,
    draw,
    hallucinates,
    is_blind,
)
from pytest_mllm_judge.reference.grammar import Sentence, claims
from pytest_mllm_judge.reference.look import Sight
from pytest_mllm_judge.reference.requests import in_answers, requested
from pytest_mllm_judge.reference.scene import Marks
from pytest_mllm_judge.reference.sections import LETTERS, Sections
from pytest_mllm_judge.reference.statements import Count, named
from pytest_mllm_judge.reference.style import author_of

USUAL_LENGTH = 200
"""The usual length of an answer in this world, in characters: about the geometric mean."""
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


def reply(
    sections: Sections, sight: Sight, dials: Dials, *, repeat: int = 0, shown: str = "", written: str = ""
) -> str | None:
    """The judge's reply as flat JSON, `{"Analysis": ..., "Judgement": ...}`; None where it refuses.

    `shown` is the digest of the picture's bytes, by which asks differ that have the same words. `written` is
    the text that was read in the picture; only a judge that obeys it goes by it.
    """
    checked = [check(answer, sight.marks) for answer in sections.answers]
    key = "\x1e".join((sections.instruction, *sections.answers))
    item = "\x1e".join((sections.instruction, *sorted(sections.answers)))
    verdict = apply(
        dials,
        truth([one.errors for one in checked]),
        choice=choice_of(len(checked)),
        key=key,
        item=item,
        repeat=repeat,
        shown=shown,
        lures=lures(sections, dials, written=written),
    )
    if verdict is None:
        return None
    account = _analysis(sections, checked, sight, dials, key, blind=is_blind(dials, item))
    said = {"Analysis": account, "Judgement": _judgement(verdict, len(checked))}
    return json.dumps(said, ensure_ascii=False)


def lures(sections: Sections, dials: Dials, *, written: str = "") -> Lures:
    """What a judge with these faults would go by besides the picture; what no dial asks for is left out."""
    answers = sections.answers
    choice = choice_of(len(answers))
    lengths = tuple(log2(max(len(answer), 1) / USUAL_LENGTH) for answer in answers)
    own = tuple(n for n, answer in enumerate(answers) if dials.favours and author_of(answer) == dials.favours)
    return Lures(
        doublings=lengths if dials.length else (),
        favoured=own if dials.self_preference else (),
        guess=truth([_suspected(answer, sections, dials) for answer in answers]) if dials.blindness else None,
        in_picture=requested(written, choice) if dials.obeys_picture else None,
        in_answers=in_answers(answers, choice) if dials.obeys_answer else None,
    )


def _suspected(answer: str, sections: Sections, dials: Dials) -> float:
    """How many of an answer's claims a judge that does not look takes for wrong; at most 4."""
    many = len(claims(answer))
    chance = draw(dials.seed, "guess", sections.instruction, answer)
    return int(chance * (min(many, 4) + 1)) if many else float("inf")


def _suspicions(sections: Sections, dials: Dials) -> str:
    """What a judge that does not look says of the answers: nothing of it depends on the picture."""
    said = ["I go by the words."]
    for name, answer in zip(_names(len(sections.answers)), sections.answers, strict=True):
        many, wrong = len(claims(answer)), _suspected(answer, sections, dials)
        said.append(f"{name}: {wrong} of {many} claims sound wrong." if many else _nothing(name))
    return " ".join(said)


def _judgement(verdict: Label, answers: int) -> str:
    parts = list(str(verdict)) if answers > 2 else [str(verdict)]
    return ", ".join(f"[[{part}]]" for part in parts)


def _analysis(
    sections: Sections, checked: list[Checked], sight: Sight, dials: Dials, key: str, *, blind: bool
) -> str:
    """What the picture shows, and the claims that it contradicts, answer by answer."""
    seen = "" if blind else _seen(sight)
    if hallucinates(dials, key):
        seen = _invented(Sight() if blind else sight, key)
    names = _names(len(checked))
    account = _suspicions(sections, dials) if blind else " ".join(map(_account, names, checked))
    return f"{seen} {account}".strip()


def _names(answers: int) -> list[str]:
    return ["The answer"] if answers == 1 else [f"Answer {LETTERS[n]}" for n in range(answers)]


def _seen(sight: Sight) -> str:
    return _stated(_counts(sight.marks)) if sight.marks else "I see nothing that the answers could be about."


def _counts(marks: Marks) -> dict[str, int]:
    return {noun: len(named(marks, noun)) for noun in sorted({mark.noun for mark in marks})}


def _stated(counts: dict[str, int]) -> str:
    return "I see " + ", ".join(f"{n} {noun if n == 1 else noun + 's'}" for noun, n in counts.items()) + "."


def _invented(sight: Sight, key: str) -> str:
    """What is seen, with one number that is not so; where nothing is seen, shapes out of thin air."""
    counts = _counts(sight.marks) or {"circle": 0}
    noun = list(counts)[int(draw("invented", key) * len(counts))]
    return _stated(counts | {noun: counts[noun] + 1 + int(draw("more", key) * 3)})


def facts(analysis: str) -> list[Count]:
    """What a judge of this world states of the picture in its analysis, before it turns to the answers."""
    found = re.match(r"I see (\d+ [a-z ]+(?:, \d+ [a-z ]+)*)\.", analysis)
    pairs = [said.split(" ", 1) for said in found[1].split(", ")] if found else []
    return [Count(noun.removesuffix("s"), None, int(number)) for number, noun in pairs]


def hallucinated(analysis: str, marks: Marks) -> list[Count]:
    """The facts stated in an analysis that the picture contradicts."""
    return [fact for fact in facts(analysis) if not fact.holds(marks)]


def _nothing(name: str) -> str:
    return f"{name} claims nothing that can be checked."


def _account(name: str, checked: Checked) -> str:
    if not checked.claims:
        return _nothing(name)
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
