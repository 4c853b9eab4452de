"""Everything that is not a test run: `python -m pytest_mllm_judge VERB`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_mllm_judge.errors import MllmJudgeError, SettingsError, did_you_mean

if TYPE_CHECKING:
    from pytest_mllm_judge.reference.chat import Failures


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a verb; 0 if it did what it says, 1 with one message if it could not."""
    options = _parser().parse_args(arguments)
    try:
        return options.run(options) or 0
    except MllmJudgeError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m pytest_mllm_judge", description=__doc__)
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB")
    _add_init(verbs.add_parser("init", help="draw the bundled benchmark anywhere"))
    _add_serve(verbs.add_parser("serve", help="serve the reference judges on loopback, OpenAI-compatible"))
    _add_plan(verbs.add_parser("plan", help="how many items a margin needs, and what a benchmark can show"))
    _add_cost(verbs.add_parser("cost", help="what asking a judge would come to, probe by probe"))
    _add_approve(verbs.add_parser("approve", help="write what a judge said in the last run as its baseline"))
    _add_report(verbs.add_parser("report", help="make the last run's report again, from its record"))
    _add_reviews(verbs.add_parser("reviews", help="list the replies that should be reviewed next"))
    _add_cassette(verbs.add_parser("cassette", help="look after what is recorded"))
    return parser


def _add_plan(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("benchmark", type=Path, nargs="?", help="a benchmark at hand: what it can show")
    parser.add_argument("--judge", metavar="NAME", help="plan from what is at hand of it; asks nobody")
    parser.add_argument("--baseline", metavar="NAME", help="and of the judge in use: paired differences")
    told = "a gate to look at (default: all); repeatable"
    parser.add_argument("--gate", action="append", default=[], metavar="NAME", help=told)
    parser.add_argument("--margin", type=float, help="default: [upgrade] of the benchmark, else 0.05")
    parser.add_argument("--power", type=float, default=0.8, help="default: %(default)s")
    parser.add_argument("--repeats", type=int, default=1, help="asks of each item (default: %(default)s)")
    parser.add_argument("--noise", type=float, default=0.0, help="how often asking again changes a verdict")
    parser.add_argument("--per-cluster", type=float, default=1.0, help="items that share a picture")
    parser.add_argument("--correlation", type=float, default=0.0, help="how alike those are, 0 to 1")
    parser.set_defaults(run=_plan)


def _plan(options: argparse.Namespace) -> None:
    from pytest_mllm_judge.reports.plan import Plan, answer

    names = ("margin", "power", "repeats", "noise", "per_cluster", "correlation")
    plan = Plan(**{name: getattr(options, name) for name in names})
    try:
        lines = answer(
            plan,
            root=_project(),
            benchmark=options.benchmark,
            judge=options.judge,
            baseline=options.baseline,
            gates=options.gate,
        )
        print("\n".join(lines))
    except ValueError as error:
        raise SettingsError(str(error)) from None


def _add_cost(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("judge", metavar="JUDGE", help="the judge that would be asked")
    parser.add_argument("benchmark", type=Path, metavar="BENCHMARK", help="the benchmark's folder")
    told = "say how many items each probe may ask within it, in the currency of the judge's prices"
    parser.add_argument("--budget", type=float, metavar="COST", help=told)
    parser.set_defaults(run=_cost)


def _cost(options: argparse.Namespace) -> None:
    from pytest_mllm_judge.runs.forecast import answer

    print("\n".join(answer(options.judge, options.benchmark, root=_project(), budget=options.budget)))


def _project() -> Path:
    """The nearest folder from here upwards with a pyproject.toml, where judges are declared; else here."""
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / "pyproject.toml").is_file()), here)


def _add_approve(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("judge", metavar="JUDGE", help="the judge to approve of")
    told = "the benchmark's folder (default: the only one that the judge was asked about)"
    parser.add_argument("benchmark", type=Path, nargs="?", metavar="BENCHMARK", help=told)
    parser.add_argument("--reason", required=True, metavar="TEXT", help="why; it stands in the file")
    told = "the last run's record (default: the one in pytest's cache)"
    parser.add_argument("--record", type=Path, metavar="PATH", help=told)
    parser.set_defaults(run=_approve)


def _approve(options: argparse.Namespace) -> None:
    from pytest_mllm_judge.reports.approved import lines
    from pytest_mllm_judge.runs.approving import approve
    from pytest_mllm_judge.runs.saved import PLACE

    root = _project()
    made, path = approve(
        root=root,
        record=options.record or root / PLACE,
        judge=options.judge,
        benchmark=options.benchmark,
        reason=options.reason,
    )
    print("\n".join(lines(made, path)))


def _add_report(parser: argparse.ArgumentParser) -> None:
    told = "a JSON report or a run record (default: the one in pytest's cache)"
    parser.add_argument("file", type=Path, nargs="?", metavar="FILE", help=told)
    parser.add_argument("--record", type=Path, metavar="PATH", help="the same")
    told = "a file that ends in .md or .json; repeatable (default: Markdown, printed)"
    parser.add_argument("--to", action="append", default=[], type=Path, metavar="PATH", help=told)
    parser.add_argument("--schema", action="store_true", help="print the JSON report's schema")
    parser.set_defaults(run=_report)


def _report(options: argparse.Namespace) -> None:
    from pytest_mllm_judge.reports import remaking

    if options.schema:
        sys.stdout.write(remaking.schema())
        return
    said = options.file or options.record
    sys.stdout.write(remaking.remake(said, to=options.to, root=_project()))


def _add_reviews(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("judge", metavar="JUDGE", help="the judge whose replies are reviewed")
    told = "the benchmark's folder (default: the only one that the judge was asked about)"
    parser.add_argument("benchmark", type=Path, nargs="?", metavar="BENCHMARK", help=told)
    parser.add_argument("--most", type=int, default=10, help="how many to list (default: %(default)s)")
    parser.add_argument("--sample", action="store_true", help="only drawn at random, from all replies")
    parser.add_argument("--seed", type=int, default=0, help="of the random draw (default: %(default)s)")
    told = "add an empty line for each to this file (default: nothing is written)"
    parser.add_argument("--write", type=Path, metavar="PATH", help=told)
    told = "the last run's record (default: the one in pytest's cache)"
    parser.add_argument("--record", type=Path, metavar="PATH", help=told)
    parser.set_defaults(run=_reviews)


def _reviews(options: argparse.Namespace) -> None:
    from pytest_mllm_judge.reports import reviews
    from pytest_mllm_judge.runs.reviewing import to_review, write

    found = to_review(
        root=_project(),
        record=options.record,
        judge=options.judge,
        benchmark=options.benchmark,
        most=options.most,
        seed=options.seed,
        sample=options.sample,
    )
    print("\n".join(reviews.lines(found)))
    if options.write is not None:
        print(reviews.written(write(found.next, options.write), options.write))


class _Parser(argparse.ArgumentParser):
    """Takes files on both sides of an option, as in `FILE... --judge NAME BENCHMARK`."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        options, rest = super().parse_known_args(args, namespace)
        if "files" in options:
            options.files += [Path(word) for word in rest if not word.startswith("-")]
            rest = [word for word in rest if word.startswith("-")]
        return options, rest


def _add_cassette(parser: argparse.ArgumentParser) -> None:
    verbs = parser.add_subparsers(title="verbs", required=True, metavar="VERB", parser_class=_Parser)
    for name, told in (
        ("check", "is every line sound, and everything recorded that is asked for? exit 1 if not"),
        ("stale", "list the exchanges that nothing asks for; exit 1 if there are any"),
        ("prune", "take the stale exchanges out"),
        ("stats", "size, models that answered, problems, tokens, cost, latencies"),
    ):
        verb = verbs.add_parser(name, help=told)
        verb.add_argument("benchmark", type=Path, help="a benchmark's folder")
        default = "default: every judge that has a cassette; repeatable"
        verb.add_argument("--judge", action="append", default=[], metavar="NAME", help=default)
        verb.set_defaults(run=_cassette, verb=name)
    verbs.choices["prune"].add_argument("--dry-run", action="store_true", help="write nothing")
    told = "also variants and repeats that [probes] does not declare; a marker judge_probes may ask them"
    verbs.choices["prune"].add_argument("--undeclared", action="store_true", help=told)
    verb = verbs.add_parser(
        "import",
        usage="%(prog)s [-h] FILE [FILE ...] --judge NAME BENCHMARK",
        help="take over what plain vcrpy recorded elsewhere; exit 1 if nothing fits",
    )
    verb.add_argument(
        "files", nargs="+", type=Path, metavar="FILE", help="yaml or json; BENCHMARK stands last"
    )
    verb.add_argument("--judge", required=True, metavar="NAME", help="whose replies these are")
    verb.set_defaults(run=_import)


def _cassette(options: argparse.Namespace) -> int:
    from pytest_mllm_judge.reports import kept
    from pytest_mllm_judge.runs.kept import cassettes

    lenient = options.verb in ("check", "stats")
    with cassettes(_project(), options.benchmark, options.judge, lenient=lenient) as found:
        for each in found:
            if options.verb == "prune":
                size = each.prune(dry_run=options.dry_run, undeclared=options.undeclared)
                lines = kept.pruned(each, size, dry_run=options.dry_run, undeclared=options.undeclared)
            else:
                lines = {"check": kept.check, "stale": kept.stale, "stats": kept.stats}[options.verb](each)
            print("\n".join(lines))
        bad = {"check": kept.is_unsound, "stale": kept.is_stale}.get(options.verb)
        return int(bad is not None and any(map(bad, found)))


def _import(options: argparse.Namespace) -> int:
    from pytest_mllm_judge.reports import kept
    from pytest_mllm_judge.runs.imported import import_vcrpy

    *files, benchmark = options.files
    if not files:
        raise SettingsError("cassette import: name the files, then the benchmark's folder")
    brought, path = import_vcrpy(files, root=_project(), benchmark=benchmark, judge=options.judge)
    print("\n".join(kept.imported(brought, path)))
    return int(not brought.imported + brought.there)


def _add_init(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("world", choices=["shapes"], help="the benchmark to draw")
    parser.add_argument("folder", type=Path, help="a new or empty folder")
    parser.set_defaults(run=_init)


def _init(options: argparse.Namespace) -> None:
    from pytest_mllm_judge.reference.generate import write

    write(options.folder)
    print(f"drew {options.world} in {options.folder}; judge it: pytest --judge=reference {options.folder}")


def _add_serve(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address (default: %(default)s)")
    told = "default: %(default)s; 0 takes a free one"
    ports = range(2**16)
    parser.add_argument("--port", type=int, choices=ports, metavar="PORT", default=8377, help=told)
    parser.add_argument("--key", default="shapes", help="the API key to ask for (default: %(default)s)")
    parser.add_argument(
        "--fail",
        action="append",
        default=[],
        metavar="KIND=RATE",
        help="fail so often: status_500, status_429, refusal, malformed or truncated; repeatable",
    )
    parser.add_argument("--delay", type=float, default=0.0, help="seconds that each answer takes")
    parser.set_defaults(run=_serve)


def _serve(options: argparse.Namespace) -> None:
    from pytest_mllm_judge.reference.server import serve

    serve(options.host, options.port, key=options.key, failures=_failures(options.fail, options.delay))


def _failures(said: Sequence[str], delay: float) -> Failures:
    """The failures that `--fail KIND=RATE` asks for. Raise SettingsError for one that there is not."""
    from pydantic import ValidationError

    from pytest_mllm_judge.reference.chat import Failures

    rates = dict(pair.partition("=")[::2] for pair in said)
    kinds = sorted(Failures.model_fields.keys() - {"delay"})
    for kind in rates:
        if kind not in kinds:
            raise SettingsError(f"--fail {kind}: choose from {', '.join(kinds)}{did_you_mean(kind, kinds)}")
    try:
        return Failures.model_validate({**rates, "delay": delay})
    except ValidationError as error:
        first = error.errors()[0]
        raise SettingsError(f"--fail {first['loc'][0]}={first['input']}: {first['msg']}") from None


if __name__ == "__main__":
    sys.exit(main())
