"""Which faults move which other checks' figures, and why: written down before anything was counted.

But for `_SEEN`, which the first data sets showed, or which came with a figure that was mended after them.
"""

from __future__ import annotations

_SLOT = "an answer preferred for its slot is another one in another order"
_NOISE = "errors that are new in every order differ between the orders"
_ASKS = "two orders are two asks, and asks differ more often"
_MOVES: dict[tuple[str, str], str] = {
    ("slot bias", "pair.position"): "one liking for a slot, read in pairs",
    ("slot bias", "batch.position"): "one liking for a slot, read in batches",
    ("slot bias", "consistency.orders"): _SLOT,
    ("slot bias", "consistency.rotations"): _SLOT,
    ("noise", "consistency.orders"): _NOISE,
    ("noise", "consistency.rotations"): _NOISE,
    ("unsteadiness", "consistency.orders"): _ASKS,
    ("unsteadiness", "consistency.rotations"): _ASKS,
    ("length", "pair.length"): "one liking for length, read in pairs",
    ("length", "score.length"): "one liking for length, read in scores",
    ("length", "length.padding"): "padding makes an answer longer",
    ("self-preference", "pair.self_preference"): "one liking for an author, read in pairs",
    ("self-preference", "score.self_preference"): "one liking for an author, read in scores",
    ("leniency", "score.constant"): "scores a point higher crowd at the top of the scale",
    ("constant", "pair.constant"): "one habit, read in pairs",
    ("constant", "score.constant"): "one habit, read in scores",
    ("blindness", "grounding.blank"): "a verdict that does not need the picture does not move with it",
    ("blindness", "grounding.another"): "a verdict that does not need the picture does not move with it",
    ("echo", "batch.position"): "the order shown has the first slot first and the last slot last",
    ("echo", "consistency.rotations"): "the order shown is another order of answers in every rotation",
}


_SEEN: dict[tuple[str, str], str] = {
    ("slot bias", "batch.echo"): "of all rotations the order shown alone has the first slot first",
    ("slot bias", "pair.constant"): "a liking for the first slot makes A the commonest verdict",
    ("self-preference", "score.leniency"): "points for some answers raise the mean of all",
}


def moved_by(fault: str, check: str) -> str:
    """Why the fault truly moves what the check measures; '' where it does not."""
    return (_MOVES | _SEEN).get((fault, check), "")


def was_foreseen(fault: str, check: str) -> bool:
    """Whether it was written down before anything was counted."""
    return (fault, check) in _MOVES
