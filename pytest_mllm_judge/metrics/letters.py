"""Who can't be told from whom, as letters."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

ALPHABET = "abcdefghijklmnopqrstuvwxyz"


def letters(order: Sequence[str], apart: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Letters for each name, so that two names share one exactly where they are not told apart.

    The compact letter display by insert and absorb (Piepho 2004): every letter stands for a largest group
    of names no two of which are told apart. The group with the first name of `order` is `a`; after 26
    groups, letters are followed by a number (`a1`).
    """
    groups: list[frozenset[str]] = [frozenset(order)] if order else []
    for first, second in apart:
        split = (group - {name} for group in groups if {first, second} <= group for name in (first, second))
        whole = (group for group in groups if not {first, second} <= group)
        groups = _largest({*whole, *split})
    place = {name: number for number, name in enumerate(order)}
    groups.sort(key=lambda group: sorted(place[name] for name in group))
    return {name: "".join(_letter(n) for n, group in enumerate(groups) if name in group) for name in order}


def _largest(groups: Collection[frozenset[str]]) -> list[frozenset[str]]:
    """Those that lie in no other."""
    return [group for group in groups if not any(group < other for other in groups)]


def _letter(number: int) -> str:
    again, place = divmod(number, len(ALPHABET))
    return ALPHABET[place] + (str(again) if again else "")
