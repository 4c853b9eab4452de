"""What `[probes]` asks besides each item: which variants, of which items, how often."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_mllm_judge import Item
from pytest_mllm_judge.asked import probing_of, with_marker
from pytest_mllm_judge.benchmarks import load
from pytest_mllm_judge.benchmarks.manifest import Probes
from pytest_mllm_judge.errors import BenchmarkError, SettingsError
from pytest_mllm_judge.model import Task
from pytest_mllm_judge.probes import Around, probe
from pytest_mllm_judge.probes.probe import OWN
from pytest_mllm_judge.probes.probing import Probing
from pytest_mllm_judge.runs.run import limited

ANSWERS: Mapping[str, int] = {"score": 1, "pair": 2, "batch": 4}


def item(number: int, task: Task = "pair") -> Item:
    return Item.model_validate(
        {
            "id": f"{task}-{number:03}",
            "task": task,
            "instruction": "What is it?",
            "responses": [{"text": f"It is a cat, or {place}."} for place in range(ANSWERS[task])],
            "images": [f"{number}.png"],
        }
    )


ITEMS = [item(number, task) for task in ("score", "pair", "batch") for number in range(50)]


@pytest.fixture
def own_probes() -> Iterator[None]:
    """What a test enters is forgotten, and what others entered is not there."""
    before = dict(OWN)
    OWN.clear()
    yield
    OWN.clear()
    OWN.update(before)


def asked(probing: Probing, one: Item) -> list[tuple[str, str, int]]:
    return [(ask.probe, ask.variant, ask.repeat) for ask in probing.asks(one, probing.repeat)]


def test_nothing_is_asked_besides_unless_somebody_says_so() -> None:
    probing = Probing({"position": False})
    assert asked(probing, item(1)) == []
    assert probing.variants(item(1)) == ()


def test_a_probe_is_asked_of_its_tasks_alone() -> None:
    probing = Probing({"position": True, "rotations": True}, items=ITEMS)
    assert probing.variants(item(1, "score")) == ()
    assert probing.variants(item(1, "pair")) == ("swapped",)
    assert probing.variants(item(1, "batch")) == ("rotated-1", "rotated-2", "rotated-3")


def test_orders_are_asked_as_often_as_items_and_other_variants_once() -> None:
    probing = Probing({"position": True, "padding": True}, repeat=3, items=ITEMS)
    assert asked(probing, item(1)) == [
        ("position", "swapped", 0),
        ("position", "swapped", 1),
        ("position", "swapped", 2),
        ("padding", "padded", 0),
    ]


def test_what_is_read_against_asking_again_is_asked_again_unless_it_is_anyway() -> None:
    said: dict[str, Any] = {"grounding": ["blank"]}
    assert asked(Probing(said, items=ITEMS), item(1)) == [("grounding", "blank", 0), ("again", "again", 1)]
    assert asked(Probing(said, repeat=2, items=ITEMS), item(1)) == [("grounding", "blank", 0)]
    assert asked(Probing({"padding": True}, items=ITEMS), item(1)) == [("padding", "padded", 0)]


def test_asking_again_asks_about_the_item_as_it_is() -> None:
    probing = Probing({"grounding": ["blank"]}, items=ITEMS)
    assert probing.altered(item(1), "again") == item(1)
    assert probing.altered(item(1), "blank") != item(1)


def test_one_probe_can_stand_alone() -> None:
    probing = Probing({"position": True, "grounding": ["blank"]}, items=ITEMS).only("grounding")
    assert probing.variants(item(1)) == ("blank", "again")
    assert probing.only("position").variants(item(1)) == ()


def sample(most: int, seed: int = 0) -> set[str]:
    probing = Probing({"padding": {"items": most, "seed": seed}}, items=ITEMS)
    return {one.id for one in ITEMS if probing.variants(one)}


@given(most=st.integers(1, 60), seed=st.integers(0, 3))
def test_a_sample_holds_so_many_items_of_each_task_and_is_the_same_every_time(most: int, seed: int) -> None:
    chosen = sample(most, seed)
    assert chosen == sample(most, seed)
    for task in ANSWERS:
        assert sum(name.startswith(task) for name in chosen) == min(most, 50)


def test_a_larger_sample_holds_the_smaller_one_and_another_seed_draws_others() -> None:
    assert sample(10) < sample(20) < sample(50)
    assert sample(10) != sample(10, seed=1)


def test_what_a_limit_leaves_lies_in_the_sample() -> None:
    probing = Probing({"padding": {"items": 20}}, items=ITEMS)
    assert all(probing.variants(one) for one in limited(ITEMS, 20))


def test_a_sample_is_drawn_from_the_items_that_suit_the_probe() -> None:
    bare = [one.model_copy(update={"images": ()}) if n % 2 else one for n, one in enumerate(ITEMS)]
    probing = Probing({"grounding": {"variants": ["blank"], "items": 20}}, items=bare)
    chosen = [one for one in bare if probing.variants(one)]
    assert len(chosen) == 60
    assert all(one.images for one in chosen)


KNOWN = "position, rotations, images, padding, grounding, attack, reencoding"


@pytest.mark.usefixtures("own_probes")
@pytest.mark.parametrize(
    ("said", "why"),
    [
        (
            {"grouding": True},
            f"probes.grouding: there is no probe 'grouding'; did you mean 'grounding' or 'reencoding'? "
            f'(known: {KNOWN})\n  One of your own: [probes.grouding] function = "file.py:function"',
        ),
        (
            {"grounding": ["blnk"]},
            "probes.grounding: there is no variant 'blnk'; did you mean 'blank'? "
            "(known: blank, another, blurred, cropped)",
        ),
        (
            {"padding": {"paddr": "x"}},
            "probes.padding: unknown key 'paddr'; did you mean 'padder'? "
            "(known: items, padder, seed, variants)",
        ),
        ({"grounding": []}, "probes.grounding is []: say true, a list of its variants, or a table"),
        ({"padding": 3}, "probes.padding is 3: say true, a list of its variants, or a table"),
        (
            {"padding": {"items": 0}},
            "probes.padding.items is 0: input should be greater than or equal to 1",
        ),
        (
            {"position": {"function": "x.py:y"}},
            "probes.position: it is one of our own probes; give yours another name",
        ),
    ],
)
def test_what_makes_no_sense_is_told_with_its_place(said: dict[str, Any], why: str) -> None:
    with pytest.raises(SettingsError) as told:
        Probing(said, items=ITEMS)
    assert str(told.value) == why


@pytest.mark.usefixtures("own_probes")
def test_two_probes_with_one_variants_name_are_told() -> None:
    for name in ("mine", "yours"):
        probe(name)(lambda one: {"loud": one.model_copy(update={"instruction": "WHAT?"})})
    probing = Probing({"mine": True, "yours": True}, items=ITEMS)
    with pytest.raises(SettingsError) as told:
        probing.variants(item(1))
    assert str(told.value) == "the probes 'mine' and 'yours' both have a variant 'loud'"
    alone = Probing({"mine": True, "yours": True}, items=ITEMS)
    alone.only("mine").variants(item(1))
    with pytest.raises(SettingsError):
        alone.only("yours").variants(item(1))


def altered(one: Item, **more: Any) -> Item:
    return one.model_copy(update={"instruction": "WHAT?", **more})


def raising(one: Item) -> dict[str, Item]:
    raise KeyError("answer")


@pytest.mark.usefixtures("own_probes")
@pytest.mark.parametrize(
    ("function", "why"),
    [
        (raising, "it raised KeyError: 'answer'"),
        (lambda one: None, "it gave None; give the altered items by their variants' names, or {}"),
        (lambda one: [one], "it gave a list; give the altered items by their variants' names, or {}"),
        (lambda one: {"loud": "WHAT?"}, "the variant 'loud' is a str, not an Item"),
        (
            lambda one: {"loud": altered(one, id="other")},
            "the variant 'loud' is the pair item 'other'; id and task must stay: item.model_copy(update=...)",
        ),
        (
            lambda one: {"swapped": altered(one)},
            "the variant name 'swapped' is ours, or none; give it another",
        ),
        (
            lambda one: {"rotated-9": altered(one)},
            "the variant name 'rotated-9' is ours, or none; give it another",
        ),
        (lambda one: {"again": altered(one)}, "the variant name 'again' is ours, or none; give it another"),
    ],
)
def test_what_a_probe_of_ones_own_may_not_give_is_told_with_its_item(function: Any, why: str) -> None:
    probe("mine")(function)
    with pytest.raises(SettingsError) as told:
        Probing({"mine": True}, items=ITEMS, where="benchmark.toml: ").variants(item(1))
    assert str(told.value) == f"benchmark.toml: probes.mine: item 'pair-001': {why}"


@pytest.mark.usefixtures("own_probes")
def test_a_variant_that_changes_nothing_is_not_asked() -> None:
    probe("mine")(lambda one: {"same": one.model_copy()})
    assert Probing({"mine": True}, items=ITEMS).variants(item(1)) == ()


@pytest.mark.usefixtures("own_probes")
def test_a_probe_that_was_entered_under_another_name_is_asked_under_this_one(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(ENTERED)
    (tmp_path / "items.jsonl").write_text("".join(one.to_json() + "\n" for one in ITEMS))
    (tmp_path / "benchmark.toml").write_text(f'{HEAD}[probes.cited]\nfunction = "own.py:loud"\n')
    probing = probing_of(load(tmp_path))
    assert probing.only("cited").variants(item(1)) == ("loud",)
    assert probing.variants(item(1, "score")) == ()


@pytest.mark.usefixtures("own_probes")
def test_an_answers_figure_rests_on_the_same_asks_whether_its_probe_stands_alone() -> None:
    """What is asked again for one probe is seen by the figures of the others, which are asked once."""
    probing = Probing({"padding": True, "position": True, "grounding": ["blank"]}, items=ITEMS)
    assert probing.only("padding").variants(item(1)) == ("padded", "again")
    assert probing.only("position").variants(item(1)) == ("swapped",)
    assert probing.only("").variants(item(1)) == ()


def test_a_setting_that_is_wrong_is_told_with_its_probe() -> None:
    probing = Probing({"reencoding": {"quality": 900}}, items=ITEMS, where="benchmark.toml: ")
    with pytest.raises(SettingsError, match=r"^benchmark.toml: probes.reencoding: quality is 900; "):
        probing.variants(item(1))


@pytest.mark.usefixtures("own_probes")
def test_a_probe_of_ones_own_takes_the_item_and_may_take_what_is_around_it() -> None:
    @probe("loud", tasks=["score"])
    def loud(one: Item) -> dict[str, Item]:
        """Questions in capitals."""
        return {"loud": one.model_copy(update={"instruction": one.instruction.upper()})}

    @probe("counted", against_asking_again=True)
    def counted(one: Item, around: Around) -> dict[str, Item]:
        said = f"{len(around.items)} {around.settings['word']} {around.tasks.score.scale[-1]}"
        return {"counted": one.model_copy(update={"instruction": said})}

    probing = Probing({"loud": True, "counted": {"word": "items"}}, items=ITEMS)
    assert probing.variants(item(1)) == ("counted", "again")
    assert probing.altered(item(1, "score"), "loud").instruction == "WHAT IS IT?"
    assert probing.altered(item(1), "counted").instruction == "150 items 5"
    assert OWN["loud"].about == "Questions in capitals."


def test_a_task_that_does_not_exist_is_told() -> None:
    with pytest.raises(ValueError) as told:
        probe("odd", tasks=["pairs"])  # type: ignore[list-item]
    assert str(told.value) == "probe 'odd': there is no task 'pairs'"


ENTERED = """
from pytest_mllm_judge.probes import probe

@probe("loud", tasks=["pair"])
def loud(item):
    return {"loud": item.model_copy(update={"instruction": item.instruction.upper()})}
"""
OWN_FILE = """
def loud(item):
    return {"loud": item.model_copy(update={"instruction": item.instruction.upper()})}
"""
HEAD = 'format = "mllm-judge/1"\nname = "b"\nitems = "items.jsonl"\n'


def bench(folder: Path, probes: str) -> Any:
    (folder / "own.py").write_text(OWN_FILE)
    (folder / "items.jsonl").write_text("".join(one.to_json() + "\n" for one in ITEMS))
    (folder / "benchmark.toml").write_text(f"{HEAD}{probes}")
    return load(folder)


@pytest.mark.usefixtures("own_probes")
def test_a_function_named_in_the_file_is_found_beside_it(tmp_path: Path) -> None:
    benchmark = bench(tmp_path, '[probes.loud]\nfunction = "own.py:loud"\nitems = 5\n')
    probing = probing_of(benchmark)
    found = [one for one in benchmark.items if probing.variants(one)]
    assert len(found) == 15
    assert probing.altered(found[0], "loud").instruction == "WHAT IS IT?"


def test_a_function_that_is_not_there_is_told_with_the_file(tmp_path: Path) -> None:
    benchmark = bench(tmp_path, '[probes.loud]\nfunction = "own.py:laud"\n')
    with pytest.raises(BenchmarkError) as told:
        probing_of(benchmark)
    assert str(told.value).endswith(
        "benchmark.toml: probes.loud: function: own.py has no function 'laud'; did you mean 'loud'?"
    )


@pytest.mark.parametrize(
    ("names", "settings", "said", "repeat"),
    [
        (["position"], {}, {"position": True}, 2),
        (["grounding"], {}, {}, 2),
        ([], {"grounding": ["blurred"], "repeat": 3}, {"grounding": ["blurred"]}, 3),
        (["fake-authority"], {"repeat": 1}, {"fake-authority": True}, 2),
        ([], {"fake_authority": {"items": 9}}, {"fake-authority": {"items": 9}}, 2),
    ],
)
def test_a_marker_asks_besides_what_the_benchmark_asks(
    names: list[str], settings: dict[str, Any], said: dict[str, Any], repeat: int
) -> None:
    probes = Probes.model_validate({"grounding": ["blank"], "repeat": 2})
    found = with_marker(probes, names, settings)
    assert (found.said, found.repeat) == ({"position": False, "grounding": ["blank"], **said}, repeat)


def test_a_markers_repeat_is_a_whole_number() -> None:
    with pytest.raises(SettingsError) as told:
        with_marker(Probes(), [], {"repeat": "often"})
    assert str(told.value) == "judge_probes: repeat is 'often': input should be a valid integer"


def test_another_items_picture_is_none_of_the_same_cluster_as_the_benchmark_means_it(tmp_path: Path) -> None:
    lines = []
    for number in range(6):
        (tmp_path / f"{number}.png").write_bytes(f"picture {number}".encode())
        lines.append(item(number).model_copy(update={"fields": {"scene": "it" if number < 5 else "other"}}))
    (tmp_path / "items.jsonl").write_text("".join(one.to_json() + "\n" for one in lines))
    (tmp_path / "benchmark.toml").write_text(f'{HEAD}cluster = "scene"\n[probes]\ngrounding = ["another"]\n')
    benchmark = load(tmp_path)
    probing = probing_of(benchmark)
    shown = [probing.altered(one, "another").images for one in benchmark.items]
    assert shown[:5] == [("5.png",)] * 5
    assert shown[5] != ("5.png",)
