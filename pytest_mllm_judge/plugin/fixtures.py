"""The fixtures for tests of one's own, and how tests that use them are parametrized."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from pytest_mllm_judge.errors import MllmJudgeError
from pytest_mllm_judge.plugin.options import REQUIRED
from pytest_mllm_judge.plugin.outcomes import NO_JUDGE
from pytest_mllm_judge.plugin.state import State, state_of

if TYPE_CHECKING:
    from pytest_mllm_judge.model import Item, Judgement
    from pytest_mllm_judge.runs.run import Run

PLACE = "mllm_judge_place"
BENCHMARK = "mllm_judge_benchmark"
ITEM = "mllm_judge_item"
NO_BASELINE = "no baseline is named (--judge-baseline=NAME)"
NO_MARKER = (
    "this test uses judge fixtures but names no benchmark\n"
    '  Mark it, or its module: pytestmark = pytest.mark.judge_benchmark("fixtures/shapes")'
)


class Place(NamedTuple):
    """What a test's fixtures are about; `asks` is what its markers `judge_probes` say, as JSON, '' without.

    `judge` is '' where it is given all of them.
    """

    judge: str
    path: Path
    asks: str


def parametrize(metafunc: pytest.Metafunc) -> None:
    """Give a test that uses judge fixtures its judges, its benchmark and, if it asks for one, its items."""
    wanted = {PLACE, BENCHMARK, ITEM} & set(metafunc.fixturenames)
    if not wanted:
        return
    state = state_of(metafunc.config)
    path, asks = _benchmark_of(metafunc), _marked(metafunc)
    if not state.judges:
        _without_judge(metafunc, wanted, state)
        return
    if PLACE in wanted:
        _over_judges(metafunc, [Place(judge, path, asks) for judge in state.judges])
    if BENCHMARK in wanted:
        place = Place("", path, asks)
        metafunc.parametrize(BENCHMARK, [place], indirect=True, ids=[pytest.HIDDEN_PARAM], scope="session")
    if ITEM in wanted:
        items = _items(state, path)
        metafunc.parametrize(ITEM, items, indirect=True, ids=[item.id for item in items])


def _over_judges(metafunc: pytest.Metafunc, places: list[Place]) -> None:
    ids = [place.judge for place in places] if len(places) > 1 else [pytest.HIDDEN_PARAM]
    metafunc.parametrize(PLACE, places, indirect=True, ids=ids, scope="session")


def _without_judge(metafunc: pytest.Metafunc, wanted: set[str], state: State) -> None:
    if state.options[REQUIRED]:
        pytest.fail(f"{NO_JUDGE}, and the ini key {REQUIRED} asks for one", pytrace=False)
    for name in sorted(wanted):
        skipped = pytest.param(None, marks=pytest.mark.skip(reason=NO_JUDGE), id=pytest.HIDDEN_PARAM)
        metafunc.parametrize(name, [skipped], indirect=True)


def asked_by(test: pytest.Function) -> tuple[str, Path, Item] | None:
    """The judge, the benchmark and the item of a test that is about one item; None for any other.

    None also for a test that asks through a client of its own, which is not made yet.
    """
    given = getattr(test, "callspec", None)
    if given is None or "judgement" not in test.fixturenames or not {PLACE, ITEM} <= given.params.keys():
        return None
    if len(test._fixtureinfo.name2fixturedefs.get("judge_client", ())) > 1:
        return None
    if given.params[PLACE] is None or given.params[ITEM] is None:
        return None
    place: Place = given.params[PLACE]
    return place.judge, place.path, given.params[ITEM]


def place_of(test: pytest.Item) -> tuple[str | None, Path | None]:
    """The judge that a test is given, None where it is given all, and the benchmark; None, None without."""
    given = getattr(test, "callspec", None)
    params = {} if given is None else given.params
    if params.get(PLACE) is not None:
        return params[PLACE].judge, params[PLACE].path
    return None, None if params.get(BENCHMARK) is None else params[BENCHMARK].path


def _benchmark_of(metafunc: pytest.Metafunc) -> Path:
    """The benchmark that the closest marker names: below the root folder, or beside the test's file."""
    marker = metafunc.definition.get_closest_marker("judge_benchmark")
    named = (*marker.args, *marker.kwargs.values()) if marker is not None else ()
    if len(named) != 1:
        pytest.fail(NO_MARKER, pytrace=False)
    said = Path(named[0])
    beside = metafunc.definition.path.parent / said
    return beside if beside.exists() else state_of(metafunc.config).root / said


def _marked(metafunc: pytest.Metafunc) -> str:
    """What the markers `judge_probes` say, those of the module first, as JSON; '' without one."""
    markers = list(metafunc.definition.iter_markers("judge_probes"))[::-1]
    if not markers:
        return ""
    try:
        said = json.dumps([[marker.args, marker.kwargs] for marker in markers], sort_keys=True)
    except TypeError as error:
        pytest.fail(f"judge_probes takes names and settings as in [probes]: {error}", pytrace=False)
    return said


def _items(state: State, path: Path) -> list[Item]:
    from pytest_mllm_judge.runs.run import limited

    try:
        return list(limited(state.session.benchmark(path).items, state.session.limit))
    except MllmJudgeError as error:
        message = str(error)
    pytest.fail(message, pytrace=False)


def _asking(state: State, run: Run, place: Place) -> Run:
    """The run, asking what the test's markers say besides, and made ready for it."""

    def prepared() -> Run:
        asking = state.session.asking(run, place.asks)
        key = (run.judge.name, run.benchmark.folder, place.asks)
        if key not in state.prepared:
            asking.prepare(asking.items, repeats=asking.probing.repeat, probed=True)
            state.prepared[key] = ""
        return asking

    return _told(prepared) if place.asks else run


def marked_by(test: pytest.Item) -> Place | None:
    """What a test with markers `judge_probes` is about; None for any other."""
    given = getattr(test, "callspec", None)
    place = None if given is None else given.params.get(PLACE)
    return place if place is not None and place.asks else None


def _run(state: State, judge: str, path: Path) -> Run:
    """The run, made ready to be asked. What stands in its way is told without a traceback."""

    def prepared() -> Run:
        run = state.session.run(judge, path)
        key = (judge, run.benchmark.folder, "")
        if key not in state.prepared:
            run.prepare(run.items)
            state.prepared[key] = ""
        return run

    return _told(prepared)


def _told(make: Callable[[], Run]) -> Run:
    """What `make` gives; an error of ours is told without a traceback."""
    try:
        return make()
    except MllmJudgeError as error:
        message = str(error)
    pytest.fail(message, pytrace=False)


@pytest.fixture(scope="session")
def mllm_judge_place(request: pytest.FixtureRequest) -> Place:
    """A judge's name, the benchmark's folder and what is asked; parametrized, not to be overridden."""
    place: Place = request.param
    return place


@pytest.fixture(scope="session")
def mllm_judge_benchmark(request: pytest.FixtureRequest) -> Place:
    """The benchmark's folder and what is asked; parametrized, not to be overridden."""
    place: Place = request.param
    return place


@pytest.fixture
def mllm_judge_item(request: pytest.FixtureRequest) -> Item:
    """One item; parametrized, not to be overridden."""
    item: Item = request.param
    return item


@pytest.fixture
def judge_item(mllm_judge_item: Item) -> Item:
    """One item of the benchmark; a test that uses it runs once for each item."""
    return mllm_judge_item


@pytest.fixture(scope="session")
def judge_client(request: pytest.FixtureRequest, mllm_judge_place: Place) -> Any:
    """The SDK client on the cassette's transport; None for judges without one.

    An override (session-scoped, made from this one by `with_options`) is asked by `judge`, `judge_run` and
    `judgement`.
    """
    return _run(state_of(request.config), mllm_judge_place.judge, mllm_judge_place.path).judge.client


@pytest.fixture(scope="session")
def judge_run(request: pytest.FixtureRequest, mllm_judge_place: Place, judge_client: Any) -> Run:
    """Everything the judge says of the benchmark: `.score`, `.pair`, `.batch`, `.ask(item)`."""
    state = state_of(request.config)
    run = _run(state, mllm_judge_place.judge, mllm_judge_place.path)
    if judge_client is not run.judge.client:
        run = state.session.with_client(run, judge_client)
    return _asking(state, run, mllm_judge_place)


@pytest.fixture(scope="session")
def judge(judge_run: Run) -> Run:
    """The judge: `judge.ask(item, repeat=0)` gives a judgement."""
    return judge_run


@pytest.fixture
def judgement(judge_run: Run, mllm_judge_item: Item) -> Judgement:
    """The judge's judgement of one item; a test that uses it runs once for each item."""
    return judge_run.ask(mllm_judge_item)


@pytest.fixture(scope="session")
def judge_runs(request: pytest.FixtureRequest, mllm_judge_benchmark: Place) -> Mapping[str, Run]:
    """The runs of all judges under test, by the judge's name."""
    state, place = state_of(request.config), mllm_judge_benchmark
    return {judge: _asking(state, _run(state, judge, place.path), place) for judge in state.judges}


@pytest.fixture(scope="session")
def baseline_run(request: pytest.FixtureRequest, mllm_judge_benchmark: Place) -> Run:
    """Everything the judge in use (--judge-baseline) says of the benchmark; else what was approved of.

    An approval is taken while one judge is under test: each of several may have its own.
    """
    state, place = state_of(request.config), mllm_judge_benchmark
    name = state.options["judge_baseline"]
    if name is not None:
        return _asking(state, _run(state, name, place.path), place)
    if len(state.judges) != 1:
        pytest.skip(f"{NO_BASELINE}, and approvals are taken for one judge under test")
    (judge,) = state.judges
    if not state.session.has_baseline(judge, place.path, None):
        pytest.skip(f"{NO_BASELINE}, and none is approved of")
    return _told(lambda: state.session.baseline(judge, place.path, None))
