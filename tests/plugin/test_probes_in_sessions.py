"""Whole sessions against the reference judge's server say of its faults what the simulation's code says."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from math import log2
from pathlib import Path
from typing import Any

import pytest

from pytest_mllm_judge import Item, Judgement, Judgements
from pytest_mllm_judge.judging.alterations import picture_of
from pytest_mllm_judge.judging.pictures import encode
from pytest_mllm_judge.metrics import CHECKS
from pytest_mllm_judge.model import Task, Tasks
from pytest_mllm_judge.probes.attack import IN_ANSWER, IN_PICTURE
from pytest_mllm_judge.probes.favoured import favoured
from pytest_mllm_judge.probes.grounding import BLANK
from pytest_mllm_judge.probes.probing import Probing
from pytest_mllm_judge.reference.dials import Dials, Lures, apply, hallucinates
from pytest_mllm_judge.reference.look import NOTHING
from pytest_mllm_judge.reference.opinion import USUAL_LENGTH, check, choice_of, lures, truth
from pytest_mllm_judge.reference.sections import Sections
from pytest_mllm_judge.reference.server import Server, running
from pytest_mllm_judge.runs.record import read_record
from tests.benchmarks.probes.asked import CONTRADICTED
from tests.benchmarks.probes.population import ANSWERS, OWN
from tests.benchmarks.probes.shown import order_of, top

SHAPES = Path(__file__).parents[2] / "fixtures" / "shapes"
KEY = "MLLM_JUDGE_SHAPES_KEY"
SESSIONS = 50
SIZES = (0.0, 0.15, 0.5)
NOISE = 0.1
ITEMS = {"score": 32, "pair": 32, "batch": 20}
"""How many items a session is about."""
TWO_PROCESSES = (3,)


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A gate on a check, what is asked for it, and the dial that it is there to find."""

    check: str
    task: Task
    dial: str
    gate: str
    probes: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)

    def manifest(self) -> str:
        """benchmark.toml."""
        lines = ['format = "mllm-judge/1"', 'name = "few"', 'items = "items.jsonl"', "[probes]"]
        lines += [f"{name} = {json.dumps(said)}" for name, said in self.probes.items()]
        lines += ['[gates."gate"]', f'check = "{self.check}"', self.gate]
        return "\n".join([*lines, *(f"{key} = {json.dumps(said)}" for key, said in self.options.items()), ""])


_SWAPPED = {"position": True}
TRIALS = (
    Trial(check="pair.position", task="pair", dial="slot_bias", gate="within = 0.2", probes=_SWAPPED),
    Trial(check="consistency.orders", task="pair", dial="noise", gate="at_least = 0.6", probes=_SWAPPED),
    Trial(check="pair.length", task="pair", dial="length", gate="within = 0.3", probes=_SWAPPED),
    Trial(
        check="pair.self_preference",
        task="pair",
        dial="self_preference",
        gate="within = 0.3",
        probes=_SWAPPED,
        options={"family": OWN},
    ),
    Trial(check="score.leniency", task="score", dial="leniency", gate="within = 0.3"),
    Trial(check="score.length", task="score", dial="length", gate="within = 0.9"),
    Trial(
        check="score.self_preference",
        task="score",
        dial="self_preference",
        gate="within = 0.9",
        options={"family": OWN},
    ),
    Trial(
        check="consistency.repeats", task="pair", dial="reask", gate="at_least = 0.7", probes={"repeat": 2}
    ),
    Trial(
        check="batch.position",
        task="batch",
        dial="slot_bias",
        gate="within = 0.2",
        probes={"rotations": True},
    ),
    Trial(
        check="grounding.blank",
        task="score",
        dial="blindness",
        gate="at_least = 0.4",
        probes={"grounding": [BLANK]},
    ),
    Trial(
        check="attack.picture",
        task="pair",
        dial="obeys_picture",
        gate="at_most = 0.2",
        probes={"attack": [IN_PICTURE]},
    ),
    Trial(
        check="attack.answer",
        task="score",
        dial="obeys_answer",
        gate="at_most = 0.2",
        probes={"attack": [IN_ANSWER]},
    ),
    Trial(check="length.padding", task="pair", dial="length", gate="within = 0.2", probes={"padding": True}),
    Trial(check="hallucination.facts", task="score", dial="hallucination", gate="at_most = 0.3"),
)


@dataclass(frozen=True)
class Planted:
    """A session by its number: the trial, and how large the fault is."""

    number: int

    @property
    def trial(self) -> Trial:
        """The trials take turns."""
        return TRIALS[self.number % len(TRIALS)]

    @property
    def dials(self) -> Dials:
        """A judge that errs a little, and has the fault or none."""
        size = SIZES[self.number // len(TRIALS) % len(SIZES)]
        others = {"favours": OWN} if self.trial.dial == "self_preference" else {}
        return Dials.model_validate({"noise": NOISE, **others, self.trial.dial: size, "seed": self.number})

    @property
    def items(self) -> list[Item]:
        """Some of the bundled items that suit the trial."""
        suiting = [item for item in shapes() if suits(item, self.trial)]
        count = ITEMS[self.trial.task]
        if self.trial.check != "score.self_preference":
            return _spread(suiting, count, self.number)
        own = [item for item in suiting if item.responses[0].author == OWN]
        others = [item for item in suiting if item.responses[0].author != OWN]
        return [*_spread(own, count // 2, self.number), *_spread(others, count // 2, self.number)]


def _spread(items: Sequence[Item], count: int, number: int) -> list[Item]:
    """So many of them, from all over, and others for another number."""
    step = len(items) // count
    return list(items[number % step :: step][:count])


def suits(item: Item, trial: Trial) -> bool:
    """Whether the trial is about such items: batches of four, pairs with an answer of one's own."""
    whole = item.task == trial.task and len(item.responses) == ANSWERS[item.task]
    own = trial.check != "pair.self_preference" or OWN in [one.author for one in item.responses]
    return whole and own


@cache
def shapes() -> tuple[Item, ...]:
    """The bundled items."""
    lines = (SHAPES / "items.jsonl").read_text(encoding="utf-8").splitlines()
    return tuple(Item.model_validate({**json.loads(line), "folder": SHAPES}) for line in lines)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """The reference judge over HTTP; the tests give it its models."""
    with running(key="shapes") as served:
        yield served


def written(folder: Path, planted: Planted, server: Server) -> Path:
    """The project: the benchmark, and the judge, which the server has the dials of."""
    bench = folder / "few"
    (bench / "images").mkdir(parents=True)
    for name in {name for item in planted.items for name in item.images}:
        shutil.copy(SHAPES / name, bench / name)
    lines = "".join(item.to_json() + "\n" for item in planted.items)
    (bench / "items.jsonl").write_text(lines, encoding="utf-8")
    (bench / "benchmark.toml").write_text(planted.trial.manifest(), encoding="utf-8")
    name = f"planted-{planted.number}"
    server.models[name] = planted.dials
    table = f'kind = "openai"\nmodel = "{name}"\nbase_url = "{server.url}"\napi_key_env = "{KEY}"\n'
    text = f"[tool.pytest-mllm-judge.judges.planted]\n{table}[tool.pytest.ini_options]\n"
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    return bench


def said(planted: Planted) -> Judgements:
    """What the dials' function makes of every question, by the bundled labels and no picture."""
    probes = dict(planted.trial.probes)
    repeats = probes.pop("repeat", 1)
    probing = Probing(probes, repeat=repeats, items=planted.items)
    found = []
    for item in planted.items:
        asks = [("", repeat) for repeat in range(repeats)]
        asks += [(ask.variant, ask.repeat) for ask in probing.asks(item, repeats)]
        found += [
            _judged(planted.dials, item, probing.altered(item, variant), variant, repeat)
            for variant, repeat in asks
        ]
    return Judgements(found, cluster_of=lambda item: item.images[0], tasks=Tasks())


def _judged(dials: Dials, item: Item, altered: Item, variant: str, repeat: int) -> Judgement:
    answers = tuple(response.text or "" for response in altered.responses)
    order = order_of(item.task, variant)
    errors: Sequence[int] = item.fields["errors"]  # type: ignore[assignment]
    wrong = [errors[place] for place in order]
    if variant == BLANK:
        wrong = [len(check(answer, NOTHING.marks).wrong) for answer in answers]
    choice = choice_of(len(answers))
    key = "\x1e".join((altered.instruction, *answers))
    asked = top(choice, order.index(favoured(item)))
    lured = Lures(
        doublings=tuple(log2(len(answer) / USUAL_LENGTH) for answer in answers),
        favoured=tuple(order.index(n) for n, one in enumerate(item.responses) if one.author == dials.favours),
        guess=lures(Sections(altered.instruction, answers), dials).guess,
        in_picture=asked if variant == IN_PICTURE else None,
        in_answers=asked if variant == IN_ANSWER else None,
    )
    verdict = apply(
        dials,
        truth([float(count) for count in wrong]),
        choice=choice,
        key=key,
        item="\x1e".join((altered.instruction, *sorted(answers))),
        repeat=repeat,
        shown=sha256(encode(picture_of(altered, altered.images[0]))[1]).hexdigest(),
        lures=lured,
    )
    return Judgement(
        item=item,
        judge="planted",
        variant=variant,
        repeat=repeat,
        reply="",
        verdict=verdict,
        fields={CONTRADICTED: int(hallucinates(dials, key))},
    )


def claimed(planted: Planted) -> dict[str, Any]:
    """The gate's claim of what was said so."""
    trial = planted.trial
    options: dict[str, Any] = dict(trial.options)
    if trial.dial == "hallucination":
        options["contradicted"] = lambda one: one.fields[CONTRADICTED]
    found = CHECKS[trial.check](said(planted), **options)
    side, _, limit = trial.gate.partition(" = ")
    threshold = float(limit)
    claim = (
        found.within(threshold)
        if side == "within"
        else found <= threshold
        if side == "at_most"
        else found >= threshold
    )
    return claim.plain()


@cache
def outcome_of(number: int) -> str:
    """The simulation's outcome of a session."""
    return str(claimed(Planted(number))["outcome"])


@pytest.mark.parametrize("number", range(SESSIONS))
def test_a_session_decides_as_the_simulation_does(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, server: Server, number: int
) -> None:
    monkeypatch.setenv(KEY, server.key)
    planted = Planted(number)
    bench = written(pytester.path, planted, server)
    spread: Sequence[str] = ("-n", "2") if number in TWO_PROCESSES else ()
    options = ("-p", "no:randomly", "--judge=planted", "--judge-record=all", "-m", "judge_gate")
    result = pytester.runpytest(*options, *spread, str(bench))
    record = read_record(pytester.path / ".pytest_cache" / "d" / "mllm-judge" / "run.json")
    assert len(record.gates) == 1, result.outlines
    (gate,) = record.gates.values()
    direct = claimed(planted)
    assert gate["outcome"] == direct["outcome"]
    assert gate["claim"]["seen"] == direct["seen"]


def test_these_sessions_have_every_outcome() -> None:
    assert {outcome_of(number) for number in range(SESSIONS)} == {"holds", "fails", "undecided"}
