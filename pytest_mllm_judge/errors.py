"""Everything this package raises on purpose.

MllmJudgeError
├── BenchmarkError    a benchmark's file, line, item, image or gate is wrong
├── SettingsError     a judge, an option or a setting is wrong or missing
├── JudgeError        a judge was asked and gave nothing back
├── NotAsked          a question that is not asked any more in this run
└── CassetteError     a cassette can't be read or written
    ├── CassetteMiss  a question that was never recorded
    └── HoldsSecret   an exchange that was not written, since it holds a secret
ClaimFailed           (an AssertionError) a claim fails
Undecided             (an AssertionError) the data can't settle a claim
UndecidedWarning      (a UserWarning) the same, where an undecided claim is to be taken as true
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class MllmJudgeError(Exception):
    """Base of the package's errors. Its text says what is wrong, where, and what to do."""


class BenchmarkError(MllmJudgeError):
    """A benchmark can't be used as it is.

    `where` is a file, with its line where there is one (`items.jsonl:12`); `what` is one sentence;
    `hint` says what to do.
    """

    def __init__(self, where: object, what: str, hint: str = "") -> None:
        self.where = str(where)
        self.what = what
        self.hint = hint
        super().__init__(f"{where}: {what}" + (f"\n  {hint}" if hint else ""))


class SettingsError(MllmJudgeError):
    """A judge's settings, an option or the environment is wrong or missing."""


class JudgeError(MllmJudgeError):
    """A judge was asked and gave nothing back: connection, status, time-out, its own exception.

    `status` is the HTTP status where there was one; `passing` says that asking again may help;
    `retry_after` is how many seconds the server asked to be left alone.
    """

    def __init__(
        self, what: str, *, status: int | None = None, passing: bool = False, retry_after: float | None = None
    ) -> None:
        self.status = status
        self.passing = passing
        self.retry_after = retry_after
        super().__init__(what)


class NotAsked(MllmJudgeError):
    """A question is not asked any more in this run: the budget is spent, or the asking was stopped."""


class CassetteError(MllmJudgeError):
    """A cassette can't be read, or can't be written."""


class CassetteMiss(CassetteError):
    """A question was not recorded and the record mode forbids asking it."""


class HoldsSecret(CassetteError):
    """An exchange was not written, since it holds what looks like a secret."""


class ClaimFailed(AssertionError):
    """A claim fails: its interval lies wholly beyond the threshold."""


class Undecided(AssertionError):
    """A claim was asked for a yes or a no that its data can't give."""


class UndecidedWarning(UserWarning):
    """An undecided claim was taken as true, as the settings ask."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`; did you mean 'a' or 'b'?` for the names nearest to `name`, or an empty string."""
    near = difflib.get_close_matches(name, sorted(known), n=3, cutoff=0.6)
    if not near:
        return ""
    return "; did you mean " + " or ".join(repr(n) for n in near) + "?"
