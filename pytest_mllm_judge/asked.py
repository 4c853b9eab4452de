"""What is asked of a benchmark's items, as its `[probes]` and a test's marker say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from pydantic import JsonValue, ValidationError

from pytest_mllm_judge.benchmarks import Benchmark
from pytest_mllm_judge.benchmarks.manifest import Probes
from pytest_mllm_judge.benchmarks.toml import shown
from pytest_mllm_judge.errors import BenchmarkError, SettingsError
from pytest_mllm_judge.judging.functions import load_function
from pytest_mllm_judge.probes.probing import Probing

MARKER = "judge_probes"


def probing_of(benchmark: Benchmark, probes: Probes | None = None) -> Probing:
    """What these probes, of a marker, or else the benchmark's ask of its items.

    Functions are found from the benchmark's folder. Raise BenchmarkError for what makes no sense.
    """
    said = benchmark.manifest.probes if probes is None else probes
    where = shown(benchmark.file) if probes is None else MARKER
    try:
        return Probing(
            said.said,
            repeat=said.repeat,
            items=benchmark.items,
            tasks=benchmark.tasks,
            cluster_of=benchmark.cluster,
            load=partial(load_function, root=benchmark.folder, where="function"),
            where=f"{where}: ",
        )
    except SettingsError as error:
        raise BenchmarkError(where, str(error).removeprefix(f"{where}: ")) from error


def with_marker(probes: Probes, names: Sequence[str], settings: Mapping[str, JsonValue]) -> Probes:
    """These probes, and what `judge_probes("position", grounding=["blank"], repeat=3)` asks besides.

    Of repeats the more are asked. A keyword's underscores are a name's dashes. Raise SettingsError for
    settings of the wrong kind.
    """
    more: dict[str, JsonValue] = dict.fromkeys(names, True)
    more |= {name.replace("_", "-"): value for name, value in settings.items()}
    repeat = more.pop("repeat", 1)
    known = {name: said for name, said in probes.said.items() if said is not False}
    kept = {name: said for name, said in more.items() if said is not True or name not in known}
    try:
        asked = Probes.model_validate({"repeat": repeat, **known, **kept})
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        key = ".".join(map(str, fault["loc"]))
        raise SettingsError(f"{MARKER}: {key} is {fault['input']!r}: {fault['msg'].lower()}") from None
    return asked.model_copy(update={"repeat": max(asked.repeat, probes.repeat)})
