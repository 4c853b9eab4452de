"""VIEScore: a judge `gpt-4v` of the project's own, GPT-4V's recorded replies, two criteria per reply."""

from __future__ import annotations

from pathlib import Path

from pytest_mllm_judge import Session, agreement
from tests.real.conftest import MakeProject

GATES = """
[gates."follows the prompt as humans say"]
check = "score.pearson"
criterion = "SC"
at_least = 0.25

[gates."sees quality as humans do"]
check = "score.pearson"
criterion = "PQ"
at_least = 0.50

[gates."few problems"]
check = "problems.rate"
at_most = 0.20
"""


def gpt_4v(shared: Path) -> dict[str, object]:
    return {
        "kind": "log",
        "path": str(shared / "viescore" / "verdicts_gpt4v_0shot.jsonl.gz"),
        "columns": {"reply": ["score", "reasoning"], "criterion": "metric"},
        "parser": "viescore",
    }


def test_it_is_green_or_red_for_reasons_that_the_summary_makes_plain(
    shared: Path, real_project: MakeProject
) -> None:
    project = real_project(
        {"gpt-4v": gpt_4v(shared)}, reader="viescore", path="viescore/items.jsonl", rest=GATES
    )
    result = project.runpytest("-p", "no:randomly", "-q", "-rN", "--judge=gpt-4v", "bench")
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "fails: score.pearson is not at least 0.5",
            "  seen      0.* judgements, * clusters; jackknife-t, arctanh)",
            "  problems  433 of 5130 (97 malformed, 336 not_asked); 0.* without them",
            "task   items  verdicts  problems  agreement with humans",
            "score   5130      4490       640  PQ pearson 0.296 (0.*, 1111 clusters), 0.* without*",
            "                                  SC pearson 0.313 (0.*, 1111 clusters), 0.* without*",
            "problems: 304 malformed, 336 not_asked",
            "gates: 2 held, 1 failed",
            "  holds      follows the prompt as humans say  score.pearson at least 0.25: 0.313 (0.*)",
            "  fails      sees quality as humans do         score.pearson at least 0.5: 0.296 (0.*)",
            "  holds      few problems                      problems.rate at most 0.2: 0.125 (0.*)",
        ]
    )
    result.stdout.no_fnmatch_line("*Traceback*")


def test_the_figures_without_problems_are_those_of_the_replies_with_a_verdict(
    shared: Path, tmp_path: Path
) -> None:
    (tmp_path / "benchmark.toml").write_text(
        f'format = "mllm-judge/1"\nreader = "viescore"\npath = "{shared / "viescore" / "items.jsonl"}"\n'
    )
    session = Session(root=tmp_path, tables={"gpt-4v": gpt_4v(shared)})
    score = session.run("gpt-4v", tmp_path).score
    for criterion in ("SC", "PQ"):
        estimate = agreement.pearson(score, criterion=criterion)
        assert estimate.n == 5130
        assert estimate.value is not None
        assert estimate.without is not None
        assert estimate.without.value is not None
        assert estimate.value < estimate.without.value
        assert estimate.low is not None
        assert estimate.low < estimate.value
