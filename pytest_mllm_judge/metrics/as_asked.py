"""Made-up verdicts as often, and in the variants, in which a benchmark would ask a judge for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from pytest_mllm_judge.asked import probing_of
from pytest_mllm_judge.benchmarks import Benchmark
from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.metrics.reach import another
from pytest_mllm_judge.model import Item, Judgement, Label, Tasks
from pytest_mllm_judge.model.judgement import Verdict
from pytest_mllm_judge.probes import SWAPPED, turned
from pytest_mllm_judge.probes.grounding import VARIANTS as UNSEEN
from pytest_mllm_judge.probes.probing import Ask
from pytest_mllm_judge.probes.rotations import turns, unrotated

_ERROR = {"problem": "error"}
Asks = Mapping[str, Sequence[Ask]]
"""The further questions about each item, by its id."""


def asks_of(probe: str, items: Sequence[Item], benchmark: Benchmark) -> Asks:
    """What the probe of this name asks about these items; nothing where it is '' or is not asked."""
    if not probe:
        return {}
    probing = probing_of(benchmark).only(probe)
    return {item.id: tuple(probing.asks(item, probing.repeat)) for item in items}


def as_asked(verdicts: Sequence[Judgement], benchmark: Benchmark, asks: Asks) -> Iterator[Judgement]:
    """The verdicts as often as items are asked, then those of variants.

    The judges say the same each time, and in every order; on a picture that is not the item's they say
    something else. Raise SettingsError for fixed items that are asked once.
    """
    repeats = benchmark.manifest.probes.repeat
    if benchmark.manifest.population == "fixed" and repeats < 2:
        raise SettingsError(
            'with population = "fixed" only asking again tells how the judge varies: '
            "say [probes] repeat = 2 or more"
        )
    if asks:  # who was asked of nothing has no figure of variants at all, so errs instead
        verdicts = [one.model_copy(update=_ERROR) if one.problem == "not_asked" else one for one in verdicts]
    for repeat in range(repeats):
        for verdict in verdicts:
            yield verdict.model_copy(update={"repeat": repeat}) if repeat else verdict
    for verdict in verdicts:
        for _, variant, repeat in asks.get(verdict.item.id, ()):
            said = _said(verdict.verdict, variant, verdict.item, benchmark.tasks)
            yield verdict.model_copy(update={"repeat": repeat, "variant": variant, "verdict": said})


def _said(verdict: Verdict | None, variant: str, item: Item, tasks: Tasks) -> Verdict | None:
    if isinstance(verdict, dict):
        return {name: _shown(label, variant, item, tasks) for name, label in verdict.items()}
    return None if verdict is None else _shown(verdict, variant, item, tasks)


def _shown(label: Label, variant: str, item: Item, tasks: Tasks) -> Label:
    """The answer as a judge says it who is shown this variant."""
    if variant == SWAPPED:
        return turned(label)
    if variant in UNSEEN:
        return another(item, label, tasks)
    if variant.startswith("rotated-") and item.task == "batch":
        return unrotated(str(label), len(item.responses) - turns(variant))
    return label
