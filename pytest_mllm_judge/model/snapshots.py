"""Whether the model that answered is the one that was asked for."""

from __future__ import annotations

import re

_VERSION = re.compile(r"[-@:](?:\d[\w.-]*|latest|preview[\w.-]*)")


def answers_for(answered: str, asked: str) -> bool:
    """Whether `answered` is `asked`, or the snapshot behind that alias: `gpt-4o-2024-08-06` for `gpt-4o`.

    Not for another snapshot (`gpt-4o-2024-05-13` for `gpt-4o-2024-08-06`) or another model (`gpt-4o-mini`
    for `gpt-4o`). What stands before the last slash, such as a provider's name, does not count.
    """
    ours, theirs = (name.rpartition("/")[2].lower() for name in (asked, answered))
    if ours == theirs:
        return True
    alias = ours.removesuffix("latest").rstrip("-@:")
    return theirs.startswith(alias) and _VERSION.fullmatch(theirs, len(alias)) is not None
