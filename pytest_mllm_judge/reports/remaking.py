"""A run's report made again, from its record or from its JSON report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pytest_mllm_judge.errors import SettingsError
from pytest_mllm_judge.reports import writing
from pytest_mllm_judge.reports.document import schema
from pytest_mllm_judge.reports.making import report
from pytest_mllm_judge.reports.markdown import markdown
from pytest_mllm_judge.runs.record import read_record
from pytest_mllm_judge.runs.saved import PLACE, reading

__all__ = ["ENDINGS", "remake", "schema"]

ENDINGS = (".md", ".json")


def remake(said: Path | None, *, to: Sequence[Path], root: Path) -> str:
    """Write the report of a record to these files, and give what to print: Markdown if there are none.

    `said` is a run record or a JSON report, by default the record that the last run left in pytest's cache
    below `root`, the project's folder. Raise SettingsError for a file that can't be read, written, or is
    named otherwise.
    """
    for path in to:
        if path.suffix.lower() not in ENDINGS:
            raise SettingsError(f"--to is {str(path)!r}; name a file that ends in {' or '.join(ENDINGS)}")
    source = root / PLACE if said is None else said
    record = read_record(source)
    with reading(source):
        whole = report(record)
        text = markdown(whole)
    if not to:
        return text
    place = Path(record.root) if record.root else root
    for path in to:
        try:
            writing.write(whole, path, root=place)
        except OSError as error:
            raise SettingsError(f"--to: {path} can't be written ({error.strerror})") from error
    return f"wrote {', '.join(map(str, to))}\n"
