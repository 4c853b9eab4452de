"""Reading and writing a cassette's files: whole or not at all, and every fault told with what to do."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from pytest_mllm_judge.errors import CassetteError


def read(path: Path, offset: int = 0) -> bytes:
    """What a file holds from `offset` on; nothing if there is no file."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise CassetteError(
            f"{path}: can't be read ({error.strerror})\n  See that it is a file, and that you may read it."
        ) from error


def append(path: Path, data: bytes) -> int:
    """Append all of it or nothing, and hand it to the system. The file's new length in bytes."""
    with path.open("ab", buffering=0) as file:
        start = file.tell()
        try:
            while data:
                data = data[file.write(data) :]
        except OSError:
            file.truncate(start)
            raise
        return file.tell()


def sync(path: Path) -> None:
    """Wait until what was appended is on the disk itself, so that a power cut loses nothing either."""
    with path.open("ab") as file:
        os.fsync(file.fileno())


def replace(path: Path, data: bytes) -> None:
    """Put a new file in the place of the old one, in one step. OSError leaves the old one as it was."""
    new = path.with_name(path.name + ".new")
    try:
        with new.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError:
        with suppress(OSError):
            new.unlink()
        raise


def stamp(path: Path) -> tuple[int, int, int] | None:
    """What changes when a file does; None if there is no file."""
    try:
        status = path.stat()
    except OSError:
        return None
    return (status.st_ino, status.st_size, status.st_mtime_ns)


def unwritable(path: Path, error: OSError) -> CassetteError:
    """What to say of a cassette that can't be written."""
    return CassetteError(
        f"{path}: can't be written ({error.strerror})\n"
        "  Make its folder writable and see that the disk has room, or replay only, "
        "with --judge-record=none."
    )


def refuse_outside(path: Path, within: Path) -> None:
    """Raise CassetteError if a link leads a cassette out of the folder that it belongs to."""
    real = path.resolve()
    if not real.is_relative_to(within.resolve()):
        raise CassetteError(
            f"{path}: a link leads to {real}, outside of {within}; nothing was written\n"
            "  Record into a folder of the benchmark's own, or replay only, with --judge-record=none."
        )
