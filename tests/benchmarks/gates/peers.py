"""What others' gates say of the same data sets, each at its defaults, through the function of its command.

    python -m tests.benchmarks.gates.peers DATA.npz

Runs in an environment of its own: `pip install judgekeeper truescore mistrial`, which bring numpy. `DATA.npz`
holds arrays of 0 (A) and 1 (B): `human` (data sets, n) and for every judge, `old` among them, its asks
(data sets, 3, n). Prints JSON: for each candidate and tool how many data sets raised its alarm, and versions.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.int64]
PACKAGES = ("judgekeeper", "truescore", "mistrial")
LABELS = np.array(["A", "B"])
ALPHA = 0.05
TOOLS = {
    "`judgekeeper migrate --fail-on worse`": 3,
    "`judgekeeper migrate --fail-on different`": 3,
    "`judgekeeper gate`": 3,
    "`mistrial sentinel check`": 3,
    "`truescore drift`": 1,
    "exact McNemar, p < .05": 1,
}
"""What is asked about each data set, and how often it has each judge asked about an item."""


def judgekeeper(human: Codes, old: Codes, new: Codes) -> tuple[str, str]:
    """The status of `judgekeeper migrate`, and of `judgekeeper gate` with the old judge's report as baseline.

    Both read runs from files; here they get what would be read. The fingerprints are the same.
    """
    migrate, report = (import_module(f"judgekeeper.{name}") for name in ("migrate", "report"))
    gate, anchors = (import_module(f"judgekeeper.{name}") for name in ("gate", "anchors"))
    ids = [f"item-{place}" for place in range(len(human))]
    texts = {"input": "Which is better?", "output_a": "one", "output_b": "other"}
    items = [{"id": ids[k], "human_label": label, **texts} for k, label in enumerate(LABELS[human].tolist())]
    manifest = anchors.build_manifest(items)
    runs = {"old": _runs(ids, old), "new": _runs(ids, new)}
    vars(migrate)["load_runs"] = lambda _, which: (items, manifest, runs[which])
    found, *_ = migrate.compare("anchors.jsonl", "old", "new")
    reports = (
        report.report_from_runs("anchors.jsonl", items, manifest, runs[name]) for name in ("new", "old")
    )
    return str(found["status"]), str(gate.evaluate(*reports)["status"])


def _runs(ids: list[str], asks: Codes) -> list[dict[str, Any]]:
    """One judge's runs as `judgekeeper` holds them."""
    known = import_module("judgekeeper.fingerprint").JudgeFingerprint
    who = known(provider="p", model="m", snapshot="s", prompt_hash="h", rubric_version="1", temperature=1.0)
    print_of = {"fingerprint": who.to_dict()}
    return [
        {
            "run": number,
            "file": f"run-{number}.jsonl",
            "fingerprint": who,
            "header": {},
            "records": {
                name: {"id": name, "verdict": said, **print_of}
                for name, said in zip(ids, LABELS[codes].tolist(), strict=True)
            },
        }
        for number, codes in enumerate(asks, start=1)
    ]


def truescore(human: Codes, old: Codes, new: Codes) -> bool:
    """Whether `truescore drift` would exit with 2; of one ask each."""
    found = import_module("truescore.drift").judge_drift(old[0], new[0], human)
    return bool(found.agreement_changed or found.behavior_changed)


def mistrial(human: Codes, old: Codes, new: Codes) -> bool:
    """Whether `mistrial sentinel check` says JUDGE_DRIFT, the baseline being a run of the old judge."""
    probes = import_module("mistrial.probes")
    frozen, today = (_mistrial_run(human, asks) for asks in (old, new))
    base = probes.sentinel_baseline({"run": frozen.to_dict(), "report": probes.analyze(frozen)})
    found = probes.sentinel_check(base, probes.analyze(today, top=0), today.cases)
    return bool(found["verdict"] == "JUDGE_DRIFT")


def _mistrial_run(human: Codes, asks: Codes) -> Any:
    cases, runner, judges = (import_module(f"mistrial.{name}") for name in ("cases", "runner", "judges"))
    some = [
        cases.Case(id=f"item-{place}", inputs="Which?", outputs="one or other", label=label)
        for place, label in enumerate(LABELS[human].tolist())
    ]
    verdicts = [
        judges.Verdict(case_id=case.id, judge="judge", run=run, value=said, raw=said)
        for run, codes in enumerate(asks)
        for case, said in zip(some, LABELS[codes].tolist(), strict=True)
    ]
    return runner.RunResult(
        created="2026-01-01", runs=len(asks), cases=some, judges=[{"name": "judge"}], verdicts=verdicts
    )


def mcnemar(human: Codes, old: Codes, new: Codes) -> bool:
    """Whether the exact two-sided McNemar test of one ask each has p < .05."""
    before, now = old[0] == human, new[0] == human
    wins, losses = int((now & ~before).sum()), int((before & ~now).sum())
    found = import_module("scipy.stats").binomtest(wins, wins + losses).pvalue if wins + losses else 1.0
    return bool(found < ALPHA)


def alarms(human: Codes, old: Codes, new: Codes) -> Iterator[str]:
    """The tools that raise their alarm on a data set."""
    migrated, gated = judgekeeper(human, old, new)
    told = (
        migrated == "WORSE",
        migrated in ("WORSE", "DIFFERENT"),
        gated != "PASS",
        mistrial(human, old, new),
        truescore(human, old, new),
        mcnemar(human, old, new),
    )
    yield from (name for name, alarm in zip(TOOLS, told, strict=True) if alarm)


def main() -> None:
    """Read the data sets, and tell."""
    with np.load(sys.argv[1]) as data:
        arrays = {name: data[name].astype(np.int64) for name in data.files}
    human, old = arrays.pop("human"), arrays.pop("old")
    counts: dict[str, dict[str, int]] = {}
    for candidate, new in arrays.items():
        counts[candidate] = {}
        for one in zip(human, old, new, strict=True):
            for name in alarms(*one):
                counts[candidate][name] = counts[candidate].get(name, 0) + 1
    versions = {name: version(name) for name in PACKAGES}
    print(json.dumps({"alarms": counts, "versions": versions}))


if __name__ == "__main__":
    main()
