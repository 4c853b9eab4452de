"""From a `benchmark.toml` to a benchmark: find the files, read their lines, refuse what can't be used."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import ValidationError

from pytest_mllm_judge.benchmarks import faults, images
from pytest_mllm_judge.benchmarks.benchmark import Benchmark
from pytest_mllm_judge.benchmarks.lines import ENDINGS, BadLine, Record, records
from pytest_mllm_judge.benchmarks.manifest import Manifest, read_manifest
from pytest_mllm_judge.benchmarks.readers import Reader, reader_named, reader_names
from pytest_mllm_judge.benchmarks.toml import FILE, shown, unselectable
from pytest_mllm_judge.errors import BenchmarkError, did_you_mean
from pytest_mllm_judge.model import Item, Response, Tasks
from pytest_mllm_judge.model import judgements as slices

MEND = "Mend the line, or set strict = false in benchmark.toml to count such lines and leave them out."


def load(path: Path) -> Benchmark:
    """Read a benchmark: `path` is its `benchmark.toml` or the folder that holds it. Opens no image.

    Raises BenchmarkError with file, line and item at the first line that can't be used (`strict = false`
    turns those into the benchmark's warnings), and if nothing is left to judge.
    """
    file = path / FILE if path.is_dir() else path
    manifest = read_manifest(file)
    reader, files = _sources(manifest, file)
    tasks = manifest.tasks(reader.tasks)
    taken = _Taken(strict=manifest.strict)
    for source in files:
        folder = _image_folder(manifest, file, reader, source)
        taken.all(stream(source, reader, tasks=tasks, folder=folder))
    items, skipped = tuple(taken.items), tuple(taken.skipped)
    _check_not_empty(file, files, items, skipped, taken.warnings)
    _check_cluster(file, manifest, items)
    return Benchmark(
        manifest=manifest,
        name=manifest.name or file.parent.absolute().name,
        folder=file.parent,
        tasks=tasks,
        items=items,
        skipped=skipped,
        warnings=tuple(taken.warnings),
    )


def stream(file: Path, reader: Reader, *, tasks: Tasks, folder: Path) -> Iterator[tuple[str, Item] | BadLine]:
    """Read a file's items one by one, each with its `file:line`; a line that can't be used is a BadLine."""
    for record in records(file):
        yield record if isinstance(record, BadLine) else _read(record, reader, tasks, folder)


def _read(record: Record, reader: Reader, tasks: Tasks, folder: Path) -> tuple[str, Item] | BadLine:
    try:
        item = reader.item(record.data)
    except ValidationError as error:
        return BadLine(record.where, _named(record) + "; ".join(_sentences(error, record)))
    except ValueError as error:
        return BadLine(record.where, _named(record) + str(error))
    except (LookupError, TypeError, AttributeError) as error:
        return BadLine(record.where, f"{_named(record)}the reader failed: {type(error).__name__}: {error}")
    if why := unselectable(item.id):
        return BadLine(record.where, f"the id {item.id!r} {why}")
    if item.skip is None and (what := _fault(item, tasks)):
        return BadLine(record.where, f"item {item.id!r}: {what}")
    return record.where, item.model_copy(update={"folder": folder})


def _fault(item: Item, tasks: Tasks) -> str | None:
    if what := images.fault(item) or tasks.fault(item):
        return what
    if item.must and not any(item.labels(criterion) for criterion in item.criteria or (None,)):
        return "an anchor (must) needs a human label to be right or wrong about"
    return None


def _named(record: Record) -> str:
    name = record.data.get("id", record.data.get("item"))
    return "" if name is None or name == "" else f"item {name!r}: "


def _sentences(error: ValidationError, record: Record) -> list[str]:
    known: dict[faults.Loc, list[str]] = {
        (): list(Item.model_fields),
        ("responses", "*"): list(Response.model_fields),
    }
    whole: dict[faults.Loc, str] = {
        ("human",): "a label, a list of labels or a table of criteria with labels"
    }
    return faults.sentences(error, record.data, known=known, whole=whole)


@dataclass
class _Taken:
    """What was read so far."""

    strict: bool
    items: list[Item] = field(default_factory=list)
    skipped: list[Item] = field(default_factory=list)
    warnings: list[BadLine] = field(default_factory=list)
    places: dict[str, str] = field(default_factory=dict)

    def all(self, read: Iterable[tuple[str, Item] | BadLine]) -> None:
        """Take every item; refuse a bad line, or an id that was there before."""
        for one in read:
            if isinstance(one, BadLine):
                self._refuse(one)
            elif (first := self.places.setdefault(one[1].id, one[0])) != one[0]:
                self._refuse(BadLine(one[0], f"the id {one[1].id!r} was used before, in {first}"))
            else:
                (self.items if one[1].skip is None else self.skipped).append(one[1])

    def _refuse(self, line: BadLine) -> None:
        if self.strict:
            raise BenchmarkError(line.where, line.what, MEND)
        self.warnings.append(line)


def _sources(manifest: Manifest, file: Path) -> tuple[Reader, list[Path]]:
    """The reader, and the files that it reads."""
    key = "items" if manifest.items else "path"
    path = file.parent / (manifest.items or manifest.path or "")
    if not path.exists():
        raise BenchmarkError(shown(file), f"{key}: there is no {shown(path)}")
    if manifest.items:
        return reader_named("native", where=shown(file)), [path]
    candidates = _candidates(path) if path.is_dir() else [path]
    if manifest.reader is None:
        return _detected(file, path, candidates, strict=manifest.strict)
    reader = reader_named(manifest.reader, where=shown(file))
    known = [
        source
        for source in candidates
        if source == path or ((first := _first(source, manifest.strict)) and reader.recognises(first.data))
    ]
    if not known:
        raise BenchmarkError(
            shown(file), f"path: no file in {shown(path)} is known to reader {manifest.reader!r}"
        )
    return reader, known


def _candidates(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.name.endswith(ENDINGS) and path.is_file())


def _detected(file: Path, path: Path, candidates: list[Path], *, strict: bool) -> tuple[Reader, list[Path]]:
    """The one reader that knows the first records. Files in a folder that no reader knows are left alone."""
    found: dict[str, list[Path]] = {}
    for source in candidates:
        first = _first(source, strict)
        name = next(reader_names(first.data, where=shown(file)), None) if first else None
        if name is not None:
            found.setdefault(name, []).append(source)
    if len(found) == 1:
        name, files = found.popitem()
        return reader_named(name, where=shown(file)), files
    if found:
        listed = "; ".join(f"{name}: {', '.join(p.name for p in files)}" for name, files in found.items())
        what = f"path: {shown(path)} holds items of several formats ({listed})"
    else:
        what = f"path: no reader knows the first record of {shown(path)}"
    raise BenchmarkError(shown(file), what, "Name one with reader = ...")


def _first(source: Path, strict: bool) -> Record | None:
    """The first record that is JSON; a strict benchmark has no line before it that isn't."""
    for record in records(source):
        if isinstance(record, Record):
            return record
        if strict:
            raise BenchmarkError(record.where, record.what, MEND)
    return None


def _image_folder(manifest: Manifest, file: Path, reader: Reader, source: Path) -> Path:
    if manifest.images is None:
        return reader.image_folder(source) or file.parent
    folder = file.parent / manifest.images
    if not folder.is_dir():
        raise BenchmarkError(shown(file), f"images: there is no folder {shown(folder)}")
    return folder


def _check_not_empty(
    file: Path, files: list[Path], items: tuple[Item, ...], skipped: tuple[Item, ...], bad: list[BadLine]
) -> None:
    if items:
        return
    where = ", ".join(shown(source) for source in files)
    counts = f"{len(skipped)} skipped, {len(bad)} left out as bad" if skipped or bad else "no lines"
    hint = f"The first bad line is {bad[0]}" if bad else ""
    raise BenchmarkError(shown(file), f"there is no item to judge in {where} ({counts})", hint)


def _check_cluster(file: Path, manifest: Manifest, items: tuple[Item, ...]) -> None:
    """A cluster field that no item has is a slip: every item would count as independent."""
    name = manifest.cluster
    if name is None or any(slices.field(item, name) is not None for item in items):
        return
    fields = {"source", "cluster", "author", *(key for item in items for key in item.fields)}
    raise BenchmarkError(shown(file), f"cluster: no item has the field {name!r}{did_you_mean(name, fields)}")
