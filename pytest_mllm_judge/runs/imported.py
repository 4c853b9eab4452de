"""Plain vcrpy cassettes into a judge's own: the questions of the benchmark, said as they would be sent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from pytest_mllm_judge.judging.chat import chat_message
from pytest_mllm_judge.model import Question
from pytest_mllm_judge.recording.imported import Brought, bring
from pytest_mllm_judge.recording.saying import Saying, saying
from pytest_mllm_judge.runs.kept import run_of
from pytest_mllm_judge.runs.run import Run
from pytest_mllm_judge.runs.session import Session

__all__ = ["Brought", "import_vcrpy"]


def import_vcrpy(files: Sequence[Path], *, root: Path, benchmark: Path, judge: str) -> tuple[Brought, Path]:
    """Import what answers a question that the benchmark asks of the judge; also say into which cassette.

    Raise CassetteError for a file that is no vcrpy cassette, before anything is written; SettingsError for
    a judge that there is not or that is not recorded; BenchmarkError for a picture that can't be sent.
    """
    from pytest_mllm_judge.recording.cassette import load_vcrpy  # vcr is slow to import

    session = Session(root=root)
    try:
        loaded = session.benchmark(benchmark)
        run = run_of(session, loaded, judge)
        interactions = [one for file in files for one in load_vcrpy(file)]
        path = loaded.cassette(judge)
        return bring(path, said(run), interactions), path
    finally:
        session.close()


def said(run: Run) -> Iterator[tuple[Question, Saying]]:
    """Every question that the run wants, with what its request would say."""

    @lru_cache(maxsize=8)  # repeats of a question stand side by side, and pictures are slow to encode
    def sent(message: Any) -> dict[str, Any]:
        return chat_message(message)

    for question in run.wanted():
        body = {"model": question.model, "messages": [sent(each) for each in question.messages]}
        words = saying({**body, **question.settings})
        assert words is not None
        yield question, words
