"""What one pytest process keeps between hooks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_mllm_judge.errors import MllmJudgeError
from pytest_mllm_judge.plugin import stopping

if TYPE_CHECKING:
    from pytest_mllm_judge.plugin.progress import Progress
    from pytest_mllm_judge.runs.record import RunRecord
    from pytest_mllm_judge.runs.session import Session


@dataclass
class State:
    """The settled options, the session of runs, the run record, and why nothing may be asked.

    `fault` is the first thing that is wrong with the whole run; nothing is asked once it is set. `told`
    says that pytest itself tells it.
    `ending` is what went wrong when cassettes were written at the end.
    `notes` are lines for the summary about what the run did not need.
    `written` are the reports that were written.
    `judged` are the judgements that this process made, as plain data, once its session is at its end.
    `failed` and `undecided` count red reports, and those of them that are red for being undecided; `unread`
    the benchmarks that could not be collected; `again` are the tests that some plugin runs again.
    """

    config: pytest.Config
    options: dict[str, Any]
    fault: str = ""
    told: bool = False
    failed: int = 0
    undecided: int = 0
    unread: int = 0
    again: set[str] = field(default_factory=set)
    without_judge: int = 0
    ending: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    judged: list[dict[str, Any]] = field(default_factory=list)
    prepared: dict[tuple[str, Path, str], str] = field(default_factory=dict)

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Keep what goes wrong inside for the summary: it must not cost the summary of everything else."""
        try:
            yield
        except Exception as error:
            ours = isinstance(error, MllmJudgeError | UserWarning)
            self.ending.append(str(error) if ours else f"{type(error).__name__}: {error}")

    @property
    def judges(self) -> list[str]:
        """The judges under test, by name."""
        return list(self.options["judge"])

    @property
    def root(self) -> Path:
        """The project's folder: where the pyproject.toml is that pytest read, else its root folder."""
        file = self.config.inipath
        return file.parent if file is not None and file.name == "pyproject.toml" else self.config.rootpath

    @property
    def reports(self) -> list[Path]:
        """The files to write reports to: from the current folder, those of the ini file from the project."""
        said = self.config.getoption("judge_report") is not None
        start = self.config.invocation_params.dir if said else self.root
        return [start / path for path in self.options["judge_report"]]

    @cached_property
    def progress(self) -> Progress | None:
        """The live line; None where no terminal shows it."""
        from pytest_mllm_judge.plugin.progress import Progress

        return Progress.on_terminal(self)

    @cached_property
    def session(self) -> Session:
        """The runs of this process. Heavy: made when a judge or a benchmark turns up."""
        from pytest_mllm_judge.runs.session import Session

        return Session(
            root=self.root,
            mode=self.options["judge_record"],
            limit=self.options["judge_limit"],
            run=getattr(self.config, "workerinput", {}).get("testrunuid", ""),
            concurrency=self.options["judge_concurrency"],
            max_cost=self.options["judge_max_cost"],
            replay=self.options["judge_replay"],
            meanwhile=self._while_waiting,
        )

    def _while_waiting(self) -> None:
        stopping.obey(self.config)
        if self.progress is not None:
            self.progress.show()

    @cached_property
    def record(self) -> RunRecord:
        """The run record, filled from reports."""
        from pytest_mllm_judge.runs.record import RunRecord

        return RunRecord()

    @property
    def has_session(self) -> bool:
        """Whether any benchmark or judge turned up in this process."""
        return "session" in self.__dict__

    @property
    def has_record(self) -> bool:
        """Whether any report had something to say."""
        return "record" in self.__dict__


STATE = pytest.StashKey[State]()


def state_of(config: pytest.Config) -> State:
    """The state of this pytest process."""
    return config.stash[STATE]
