"""What an upgrade is compared by where probes are asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_mllm_judge.benchmarks import load
from pytest_mllm_judge.errors import BenchmarkError
from pytest_mllm_judge.metrics.upgrade import check_upgrade, comparisons
from pytest_mllm_judge.model import Item, Response

HEAD = 'format = "mllm-judge/1"\nname = "b"\nitems = "items.jsonl"\n'
BESIDES = {"problems.rate", "cost.mean", "latency.mean"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A hundred pairs without a picture."""
    answers = (Response(text="It is a cat."), Response(text="It is a dog."))
    items = [Item(id=f"p{n:03}", task="pair", responses=answers, human=("AB"[n % 2],)) for n in range(100)]
    (tmp_path / "items.jsonl").write_text("".join(item.to_json() + "\n" for item in items))
    return tmp_path


def compared(folder: Path, text: str, *, decides: bool) -> set[str]:
    (folder / "benchmark.toml").write_text(HEAD + text)
    return {each.name for each in comparisons(load(folder)) if each.decides == decides} - BESIDES


def test_what_a_probe_asks_is_shown_with_its_own_margin(folder: Path) -> None:
    assert compared(folder, "", decides=False) == set()
    assert compared(folder, "[probes]\nposition = true\n", decides=False) == {
        "pair.position",
        "consistency.orders",
    }


def test_of_a_probe_only_the_variants_that_are_asked_are_shown(folder: Path) -> None:
    shown = compared(folder, '[probes]\nattack = ["markdown", "bandwagon"]\n', decides=False)
    assert shown == {"attack.markdown", "attack.bandwagon"}


def test_a_probe_that_suits_no_item_shows_nothing(folder: Path) -> None:
    assert compared(folder, "[probes]\ngrounding = true\nrotations = true\n", decides=False) == set()


def test_a_probes_check_decides_where_its_margin_is_named_and_takes_nothings_place(folder: Path) -> None:
    text = '[probes]\nposition = true\n[upgrade]\nmargin = { "pair.position" = 0.2 }\n'
    assert compared(folder, text, decides=True) == {"pair.accuracy", "pair.position"}


def test_a_margin_for_what_no_probe_asks_is_told_before_anything_is_asked(folder: Path) -> None:
    (folder / "benchmark.toml").write_text(f'{HEAD}[upgrade]\nmargin = {{ "attack.answer" = 0.2 }}\n')
    with pytest.raises(BenchmarkError) as told:
        check_upgrade(load(folder))
    assert str(told.value).endswith("[upgrade]: attack.answer needs [probes] attack = true")


def test_a_margin_that_the_items_can_show_is_taken(folder: Path) -> None:
    said = '[probes]\nattack = ["asks-in-answer"]\n[upgrade]\nmargin = { "attack.answer" = 0.2 }\n'
    (folder / "benchmark.toml").write_text(HEAD + said)
    check_upgrade(load(folder))
