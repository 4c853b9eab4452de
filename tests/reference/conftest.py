"""The drawn benchmark, and judges of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from pytest_mllm_judge.judging.judge import Context
from pytest_mllm_judge.model import Item
from pytest_mllm_judge.reference import generate
from pytest_mllm_judge.reference.dials import Dials
from pytest_mllm_judge.reference.judge import ReferenceJudge, ReferenceSettings

MakeJudge: TypeAlias = Callable[..., ReferenceJudge]


@pytest.fixture(scope="session")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a new drawing of the benchmark; not to be changed."""
    folder = tmp_path_factory.mktemp("drawn") / "shapes"
    generate.write(folder)
    return folder


@pytest.fixture(scope="session")
def items(drawn: Path) -> list[Item]:
    """Every item, with the drawing as its folder."""
    return [item.model_copy(update={"folder": drawn}) for item in generate.items()]


@pytest.fixture
def make_judge() -> MakeJudge:
    """A judge with these dials."""

    def make(**dials: float) -> ReferenceJudge:
        settings = ReferenceSettings(dials=Dials.model_validate(dials))
        return ReferenceJudge("reference", settings, Context())

    return make
