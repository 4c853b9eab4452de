"""Reports as files: Markdown or JSON by the name's ending, and the summary page of a GitHub job."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from pytest_mllm_judge.recording import disk
from pytest_mllm_judge.reports.document import Report
from pytest_mllm_judge.reports.markdown import Place, cut_to, markdown
from pytest_mllm_judge.runs import saved

GITHUB_ROOM = 2**20
"""How many bytes GitHub shows of one step's summary; a longer one is not shown at all."""


def write(report: Report, path: Path, *, root: Path) -> None:
    """Write the report to a file that ends in `.md` or `.json`; its folder is made.

    `root` is the project's folder. Raise OSError if the file can't be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix.lower() == ".json":
        disk.replace(path, as_json(report))
    else:
        disk.replace(path, markdown(report, place=seen_from(path.parent, root)).encode())


def as_json(report: Report) -> bytes:
    """The report in JSON, as `docs/report.schema.json` describes it."""
    return saved.encoded(report.model_dump(mode="json"), indent=1)


def seen_from(folder: Path, root: Path) -> Place:
    """What turns a path below the project's folder into one from where a report stands."""
    return lambda image: Path(os.path.relpath(root / image, folder)).as_posix()


def append_to_summary(report: Report, path: Path, *, root: Path, environment: Mapping[str, str]) -> None:
    """Append the report as Markdown to a step's summary, cut to the room that is left there.

    Raise OSError if it can't be written.
    """
    room = GITHUB_ROOM - (path.stat().st_size if path.exists() else 0)
    text = cut_to(report, room=room, place=on_github(root, environment))
    with path.open("ab") as file:
        file.write(text.encode())


def on_github(root: Path, environment: Mapping[str, str]) -> Place:
    """Where GitHub shows the pictures of the commit that a job runs on; as they are where nothing says so.

    A summary page stands beside no file, so that a relative path would show nothing.
    """
    server, repository, commit, workspace = (
        environment.get(f"GITHUB_{name}", "") for name in ("SERVER_URL", "REPOSITORY", "SHA", "WORKSPACE")
    )
    if not (server and repository and commit and workspace):
        return str
    below = seen_from(Path(workspace), root)
    return lambda image: f"{server}/{repository}/raw/{commit}/{quote(below(image))}"
