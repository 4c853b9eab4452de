"""When each question was asked and how long its reply took: a file beside the cassette.

    {"question":"<24 hex>","at":"2026-11-23T04:12:09Z","seconds":1.204}

It differs with each recording, so it is no part of the cassette and need not be committed. A line that can't
be read is left out: nothing rests on it but a replayed reply's latency.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from pytest_mllm_judge.recording import disk


@dataclass(frozen=True, kw_only=True)
class Moment:
    """When a reply came (UTC, ISO 8601), and the seconds it took."""

    at: str
    seconds: float


class Times:
    """The side file of the cassette at `path`; read when it is first asked for."""

    def __init__(self, path: Path) -> None:
        self.path = path.with_name(path.name + ".times")
        self._known: dict[str, Moment] | None = None

    @property
    def known(self) -> dict[str, Moment]:
        """The last known moment of each question's digest."""
        if self._known is None:
            self._known = dict(filter(None, map(_read, disk.read(self.path).splitlines())))
        return self._known

    def latency(self, digest: str) -> float | None:
        """The seconds that a question's reply took; None if that is not known."""
        moment = self.known.get(digest)
        return None if moment is None else moment.seconds

    def note(self, digest: str, seconds: float) -> None:
        """Add a moment: now."""
        moment = Moment(at=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}", seconds=round(seconds, 4))
        self.known[digest] = moment
        with self.path.open("ab", buffering=0) as file:
            file.write(_line(digest, moment))

    def tidy(self, digests: list[str]) -> None:
        """Keep one line for each of these questions, in their order."""
        if not self.path.exists():
            return
        self._known = None  # other processes may have written
        lines = [_line(digest, self.known[digest]) for digest in digests if digest in self.known]
        disk.replace(self.path, b"".join(lines))


def _line(digest: str, moment: Moment) -> bytes:
    data = {"question": digest, "at": moment.at, "seconds": moment.seconds}
    return json.dumps(data, separators=(",", ":")).encode() + b"\n"


def _read(line: bytes) -> tuple[str, Moment] | None:
    try:
        data = json.loads(line)
        return data["question"], Moment(at=str(data["at"]), seconds=float(data["seconds"]))
    except (ValueError, TypeError, KeyError):
        return None
