"""The bundled benchmark, whole: judged, replayed, recorded again."""

from __future__ import annotations

import re
import shutil
import socket
from pathlib import Path

import pytest

from pytest_mllm_judge import Session, agreement
from pytest_mllm_judge.reference.server import running

RECORDED = ("shapes-old", "shapes-new", "shapes-worse")
KEY = "MLLM_JUDGE_SHAPES_KEY"


@pytest.fixture
def shapes() -> Path:
    """The committed benchmark."""
    return Path(__file__).parents[2] / "fixtures" / "shapes"


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every attempt to connect fails, and there is no key."""

    def refuse(*args: object) -> None:
        raise AssertionError(f"a socket was opened: {args}")

    monkeypatch.delenv(KEY, raising=False)
    monkeypatch.setattr(socket.socket, "connect", refuse)


def summary(result: pytest.RunResult) -> list[str]:
    """The judges' summaries, without the line that tells the time."""
    lines = result.outlines
    start = next(place for place, line in enumerate(lines) if re.search(r"=+ judge .* on shapes =+", line))
    ends = ("=", "FAILED")
    return [
        line for line in lines[start + 1 :] if line and not line.startswith(ends) and " in " not in line[-12:]
    ]


def test_the_main_job_is_green(pytester: pytest.Pytester, shapes: Path, no_network: None) -> None:
    result = pytester.runpytest("-q", "--judge=reference", str(shapes))
    assert result.ret == 0
    result.stdout.fnmatch_lines(["pair     500       500         0  accuracy 1.000 *", "gates: 4 held"])


def test_every_spread_and_order_gives_the_same_figures_to_the_last_digit(
    pytester: pytest.Pytester, shapes: Path
) -> None:
    plain = summary(pytester.runpytest("-q", "-p", "no:randomly", "--judge=shapes-worse", str(shapes)))
    assert len(plain) > 8
    spread = pytester.runpytest("-q", "-p", "no:randomly", "-n", "2", "--judge=shapes-worse", str(shapes))
    assert summary(spread) == plain
    for seed in ("1", "2", "3"):
        shuffled = pytester.runpytest(
            "-q", "-o", "addopts=", f"--randomly-seed={seed}", "--judge=shapes-worse", str(shapes)
        )
        assert summary(shuffled) == plain


@pytest.mark.parametrize("judge", RECORDED)
def test_recorded_judges_replay_without_network_or_key(judge: str, shapes: Path, no_network: None) -> None:
    run = Session(root=shapes).run(judge, shapes)
    assert len(run.pair) == 500
    assert {j.model for j in run.pair} == {judge}
    assert not [j for j in run.judgements() if j.problem not in (None, "refused")]


def test_the_older_judge_is_about_85_per_cent_right_the_newer_as_good_and_the_worse_one_worse(
    shapes: Path,
) -> None:
    session = Session(root=shapes)
    right = {name: agreement.accuracy(session.run(name, shapes).pair).value or 0 for name in RECORDED}
    assert abs(right["shapes-old"] - 0.85) < 0.03
    assert abs(right["shapes-new"] - right["shapes-old"]) < 0.03
    assert right["shapes-worse"] < right["shapes-old"] - 0.1


def test_recording_anew_gives_the_committed_bytes(
    shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "shapes"
    shutil.copytree(shapes, folder, ignore=shutil.ignore_patterns("cassettes"))
    monkeypatch.setenv(KEY, "shapes")
    with running(key="shapes") as server:
        tables = {"shapes-old": {"base_url": server.url}}
        session = Session(root=tmp_path, mode="new_episodes", tables=tables)
        assert len(session.run("shapes-old", folder).judgements()) == 775
        session.close()
    recorded = (folder / "cassettes" / "shapes-old.jsonl").read_bytes()
    assert recorded == (shapes / "cassettes" / "shapes-old.jsonl").read_bytes()
    assert b"shapes-key" not in recorded
    assert b"Bearer" not in recorded


def test_the_worse_judge_fails_its_gate_and_its_anchor(pytester: pytest.Pytester, shapes: Path) -> None:
    result = pytester.runpytest("-q", "--judge=shapes-worse", str(shapes))
    assert result.ret == 1
    result.stdout.fnmatch_lines_random(
        ["anchor: *may not be got wrong, but the judge chose *", "fails: pair.accuracy is not at least 0.75"]
    )


def test_the_reference_judge_refuses_a_benchmark_that_its_generator_did_not_draw(
    pytester: pytest.Pytester,
) -> None:
    folder = pytester.mkdir("foreign")
    (folder / "benchmark.toml").write_text('format = "mllm-judge/1"\nitems = "items.jsonl"\n')
    (folder / "items.jsonl").write_text(
        '{"id": "a", "task": "score", "instruction": "?", "responses": [{"text": "x"}], "human": 3}\n'
    )
    result = pytester.runpytest("-q", "--judge=reference", "foreign")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: *reference*"])


def test_the_committed_benchmark_is_small(shapes: Path) -> None:
    sizes = [f.stat().st_size for f in shapes.rglob("*") if f.is_file() and f.parent.name != "cassettes"]
    assert sum(sizes) < 4_000_000
