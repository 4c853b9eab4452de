"""`benchmark.toml`: what is ours, what it may say, and what is said of what it may not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pytest_mllm_judge.benchmarks import is_manifest, load
from pytest_mllm_judge.benchmarks.manifest import DEFAULT_MARGIN, Manifest, read_manifest
from pytest_mllm_judge.errors import BenchmarkError
from tests.loading.conftest import FORMAT, Folder, score_item

WHOLE = """
name = "shapes"
items = "items.jsonl"
population = "fixed"
strict = false
images = "pictures"
cluster = "scene"

[score]
scale = [1, 2, 3, 4, 5]
criteria = ["SC", "PQ"]
[pair]
labels = ["A", "B", "tie", "both_bad"]
[probes]
position = true
repeat = 3
pad = { words = 40 }
[gates."pair agrees"]
check = "pair.accuracy"
at_least = 0.60
where = { source = ["circles", "charts"], hard = true }
by = "source"
average = "fisher"
criterion = "SC"
confidence = 0.99
[gates."slot does not decide"]
check = "pair.position"
within = 0.05
[upgrade]
margin = { pair = 0.05, "score.pearson" = 0.1 }
confidence = 0.9
"""


def read(folder: Folder, text: str) -> Manifest:
    folder.manifest(text)
    return read_manifest(folder.toml)


def refusal(folder: Folder, text: str) -> str:
    with pytest.raises(BenchmarkError) as caught:
        read(folder, text)
    return str(caught.value).replace(str(folder.path) + "/", "")


def test_everything_a_manifest_may_say_is_read(folder: Folder) -> None:
    manifest = read(folder, WHOLE)
    assert (manifest.name, manifest.population, manifest.strict) == ("shapes", "fixed", False)
    assert (manifest.images, manifest.cluster) == ("pictures", "scene")
    assert manifest.score is not None
    assert manifest.score.criteria == ("SC", "PQ")
    assert manifest.pair is not None
    assert manifest.pair.labels == ("A", "B", "tie", "both_bad")
    assert (manifest.probes.position, manifest.probes.repeat) == (True, 3)
    assert manifest.probes.said == {"position": True, "pad": {"words": 40}}
    assert manifest.probes.names == ("position", "pad")
    gate = manifest.gates["pair agrees"]
    assert gate.bound == ("at_least", 0.60)
    assert gate.where == {"source": ("circles", "charts"), "hard": (True,)}
    assert (gate.by, gate.average, gate.criterion, gate.confidence) == ("source", "fisher", "SC", 0.99)
    assert manifest.gates["slot does not decide"].bound == ("within", 0.05)
    assert manifest.upgrade.margin_of("pair.accuracy") == 0.05
    assert manifest.upgrade.margin_of("score.pearson") == 0.1
    assert manifest.upgrade.margin_of("batch.distance") == DEFAULT_MARGIN
    assert manifest.upgrade.confidence == 0.9


def test_what_is_not_said_has_a_plain_default(folder: Folder) -> None:
    manifest = read(folder, 'items = "items.jsonl"\n')
    assert (manifest.name, manifest.population, manifest.strict) == (None, "sampled", True)
    assert (manifest.probes.position, manifest.probes.repeat, manifest.probes.names) == (False, 1, ())
    assert manifest.gates == {}
    assert manifest.upgrade.margin_of("pair.accuracy") == 0.05


def test_gates_keep_the_order_of_the_file(folder: Folder) -> None:
    text = "".join(f'[gates."{name}"]\ncheck = "c"\nat_most = 1\n' for name in ("z", "a", "m"))
    assert list(read(folder, 'items = "i"\n' + text).gates) == ["z", "a", "m"]


GATE = 'items = "i"\n[gates."few problems"]\ncheck = "problems.rate"\n'
FEW = 'gates."few problems"'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('itmes = "i"\npath = "x"',
         "itmes: is not a known key; did you mean 'items' or 'images' or 'gates'?"),
        ("", "needs items (a file of native items) or path (a file or folder); it has neither"),
        ('items = "i"\npath = "p"',
         "needs items (a file of native items) or path (a file or folder); it has both"),
        ('items = "i"\nreader = "viescore"', "reader goes with path; items are always native"),
        ("items = 3", "items: must be text, got 3"),
        ('items = ""', "items: must be at least 1 character long, got ''"),
        ('items = "i"\nstrict = 1', "strict: must be true or false, got 1"),
        ('items = "i"\npopulation = "some"', "population: must be 'sampled' or 'fixed', got 'some'"),
        ('items = "i"\nname = 1979-05-27', "name: must be text, a number, true or false, got 1979-05-27"),
        ('items = "i"\nscore = 5', "score: must be a table, got 5"),
        ('items = "i"\n[score]\nscal = [1, 2]', "score.scal: is not a known key; did you mean 'scale'?"),
        ('items = "i"\n[score]\nscale = 5', "score.scale: must be a list of numbers or of words, got 5"),
        ('items = "i"\n[score]\nscale = [1, [2]]',
         "score.scale: must be a list of numbers or of words, got [1, [2]]"),
        ('items = "i"\n[score]\nscale = [1, nan]', "score.scale[1]: must be a finite number, got nan"),
        ('items = "i"\n[score]\nscale = [2, 1]',
         "score: a scale's numbers stand worst first, in ascending order"),
        ('items = "i"\n[pair]\nlabels = ["A"]', "pair: pair labels are different words and hold 'A' and 'B'"),
        ('items = "i"\n[pair]\nlabels = [1, 2]', "pair.labels: must be a list of words, got [1, 2]"),
        (
            'items = "i"\n[probes]\nposition = "yes"',
            "probes.position: must be true, false or a table, got 'yes'",
        ),
        ('items = "i"\n[probes]\nrepeat = 0', "probes.repeat: must be 1 or more, got 0"),
        ('items = "i"\n[probes]\nrepeat = 2.0', "probes.repeat: must be a whole number, got 2.0"),
        ('items = "i"\n[probes]\npad = { by = inf }', "probes.pad.by: must be a finite number, got inf"),
        (GATE, f"{FEW}: needs exactly one of at_least, at_most, within; it has none"),
        (GATE + "at_most = 0.1\nat_least = 0.0",
         f"{FEW}: needs exactly one of at_least, at_most, within; it has at_least and at_most"),
        (GATE + "at_most = nan", f"{FEW}.at_most: must be a finite number, got nan"),
        (GATE + "at_most = -inf", f"{FEW}.at_most: must be a finite number, got -inf"),
        (GATE + 'at_most = "5 %"', f"{FEW}.at_most: must be a number, got '5 %'"),
        (GATE + "at_most = true", f"{FEW}.at_most: must be a number, got True"),
        (GATE + "within = 0", f"{FEW}.within: must be more than 0.0, got 0"),
        (GATE + "at_most = 0.1\nconfidence = 0.5", f"{FEW}.confidence: must be more than 0.5, got 0.5"),
        (GATE + "at_most = 0.1\nconfidence = 95", f"{FEW}.confidence: must be less than 1.0, got 95"),
        (GATE + 'at_most = 0.1\naverage = "median"',
         f"{FEW}.average: must be 'mean' or 'fisher', got 'median'"),
        (GATE + "atmost = 0.1", f"{FEW}.atmost: is not a known key; did you mean 'at_most'?"),
        (GATE + "at_most = 0.1\nwhere = { source = { a = 1 } }",
         f"{FEW}.where.source: must be a value or a list of values, got {{'a': 1}}"),
        ('items = "i"\n[gates.g]\nat_most = 1', "gates.g.check: is missing"),
        ('items = "i"\n[gates.g]\nchek = "c"\nat_most = 1',
         "gates.g.check: is missing; is it 'chek'?\n"
         "benchmark.toml: gates.g.chek: is not a known key; did you mean 'check'?"),
        ('items = "i"\n[gates.""]\ncheck = "c"\nat_most = 1', "gates: the gate name '' is empty"),
        ('items = "i"\n[gates."a::b"]\ncheck = "c"\nat_most = 1',
         "gates: the gate name 'a::b' holds '::', which pytest takes for a separator"),
        ('items = "i"\n[gates."a\\nb"]\ncheck = "c"\nat_most = 1',
         "gates: the gate name 'a\\nb' holds a line break or a control character"),
        ('items = "i"\n[gates." a"]\ncheck = "c"\nat_most = 1',
         "gates: the gate name ' a' begins or ends with a space"),
        ('items = "i"\n[upgrade]\nmargin = -0.1',
         "upgrade.margin: must be a number above 0, or a table of such, got -0.1"),
        ('items = "i"\n[upgrade]\nmargin = { pair = "5" }',
         "upgrade.margin: must be a number above 0, or a table of such, got {'pair': '5'}"),
        ('items = "i"\n[upgrade]\nmargin = { pair = nan }',
         "upgrade.margin.pair: must be a finite number, got nan"),
        ('items = "i"\n[upgrade]\nmargins = 1',
         "upgrade.margins: is not a known key; did you mean 'margin'?"),
    ],
)  # fmt: skip
def test_a_wrong_key_is_named_with_its_path(folder: Folder, text: str, said: str) -> None:
    assert refusal(folder, text) == f"benchmark.toml: {said}"


def test_every_wrong_key_is_named_at_once(folder: Folder) -> None:
    assert refusal(folder, 'items = "i"\nstrict = 1\nnmae = "x"') == (
        "benchmark.toml: strict: must be true or false, got 1\n"
        "benchmark.toml: nmae: is not a known key; did you mean 'name' or 'images'?"
    )


def test_a_newer_format_is_refused(folder: Folder) -> None:
    folder.toml.write_text('format = "mllm-judge/2"\n')
    assert is_manifest(folder.toml)
    with pytest.raises(BenchmarkError) as caught:
        load(folder.toml)
    assert str(caught.value) == (
        f"{folder.toml}: format: 'mllm-judge/2' is not known\n"
        "  This version reads 'mllm-judge/1'; a newer pytest-mllm-judge may read this one."
    )


def test_a_manifest_of_somebody_else_is_refused_by_load(folder: Folder) -> None:
    folder.toml.write_text('format = "criterion"\n')
    with pytest.raises(BenchmarkError) as caught:
        load(folder.toml)
    assert str(caught.value) == (
        f"{folder.toml}: this is not a benchmark of pytest-mllm-judge\n"
        '  Its first line would be: format = "mllm-judge/1"'
    )


def test_a_folder_without_a_manifest_is_refused_by_load(folder: Folder) -> None:
    with pytest.raises(BenchmarkError) as caught:
        load(folder.path)
    assert str(caught.value) == f"{folder.toml}: can't be read: No such file or directory"


@pytest.mark.parametrize(
    "content", ['name = "x"\n', "format = 3\n", 'format = "other/1"\n', "= [", "", "\xff"]
)
def test_a_manifest_of_somebody_else_is_left_alone(folder: Folder, content: str) -> None:
    folder.toml.write_text(content, encoding="latin-1")
    assert not is_manifest(folder.toml)


def test_only_a_file_of_that_name_is_a_manifest(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text(FORMAT)
    (tmp_path / "benchmark.toml").mkdir()
    assert not is_manifest(tmp_path / "other.toml")
    assert not is_manifest(tmp_path / "benchmark.toml")
    assert not is_manifest(tmp_path / "nowhere" / "benchmark.toml")


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        (b"items =\n", "benchmark.toml:2: this is not toml: Invalid value at column 8"),
        (b"[gates\n", "benchmark.toml:2: this is not toml: "
         "Expected ']' at the end of a table declaration at column 7"),
        (b'name = "\xff"\n', "benchmark.toml:2: this line is not UTF-8"),
        (b'name = "', "benchmark.toml: this is not toml: Unterminated string (at end of document)"),
    ],
)  # fmt: skip
def test_an_unreadable_manifest_of_ours_is_an_error_with_its_line(
    folder: Folder, rest: bytes, said: str
) -> None:
    folder.toml.write_bytes(FORMAT.encode() + rest)
    for look in (is_manifest, load):
        with pytest.raises(BenchmarkError) as caught:
            look(folder.toml)
        assert str(caught.value).replace(f"{folder.path}/", "") == said


def test_a_byte_order_mark_does_not_hide_a_manifest(folder: Folder) -> None:
    folder.lines(score_item())
    folder.toml.write_text(FORMAT + 'items = "items.jsonl"\n', encoding="utf-8-sig")
    assert is_manifest(folder.toml)
    assert len(load(folder.toml).items) == 1


def test_looking_for_manifests_imports_nothing_heavy(folder: Folder) -> None:
    folder.manifest('items = "i"')
    code = (
        "import sys, pathlib; from pytest_mllm_judge.benchmarks import is_manifest;"
        f"assert is_manifest(pathlib.Path({str(folder.toml)!r}));"
        "print({'pydantic', 'PIL', 'numpy', 'gzip', 'openai', 'vcr'} & set(sys.modules))"
    )
    package = str(Path(__file__).parents[2])
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=package
    )
    assert ran.stdout == "set()\n"
