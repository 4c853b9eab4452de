"""What a cassette's exchanges add up to."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from pytest_mllm_judge.judging.judge import Judge
from pytest_mllm_judge.model import Item, Reply
from pytest_mllm_judge.recording.answers import read_chat
from pytest_mllm_judge.recording.format import Exchange
from pytest_mllm_judge.recording.times import Times
from pytest_mllm_judge.runs.kept import Kept


@dataclass
class Figures:
    """Sums over the exchanges that are played.

    `size` and `text` are bytes: of the lines, and of the replies' own text. `models` counts, for each pair
    of the model asked for and the one that answered. `problems` counts refused, malformed and truncated
    replies among the `parsed` ones: chat completions whose item is still there, if the judge can be built.
    `tokens` are those sent and given, of the `counted` exchanges; `cost` is of the `priced` ones. `days` and
    `seconds` are when each was asked and how long it took, sorted, as far as the side file knows.
    """

    exchanges: int = 0
    items: int = 0
    size: int = 0
    text: int = 0
    models: Counter[tuple[str, str]] = field(default_factory=Counter)
    problems: Counter[str] = field(default_factory=Counter)
    parsed: int = 0
    tokens: tuple[int, int] = (0, 0)
    counted: int = 0
    cost: float = 0.0
    priced: int = 0
    days: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def quantile(self, share: float) -> float:
        """The latency, in seconds, that this share of the exchanges stays within (at least two are known)."""
        return statistics.quantiles(self.seconds, n=100, method="inclusive")[round(share * 100) - 1]


def figures_of(kept: Kept) -> Figures:
    """Add up one cassette. Dates and latencies that the side file lacks count for nothing."""
    exchanges = kept.contents.exchanges
    total = Figures(exchanges=len(exchanges), items=len({exchange.item for exchange in exchanges}))
    total.models = models_of(exchanges)
    total.size = sum(len(held.text) + 1 for held in kept.contents.held.values())
    items = {item.id: item for item in (*kept.benchmark.items, *kept.benchmark.skipped)}
    judge = None if kept.run is None else kept.run.judge
    for exchange in exchanges:
        total.text += _text(exchange)
        reply = read_chat(exchange.reply, asked=exchange.model)
        if reply is not None:
            _count_tokens(total, reply)
            if judge is not None:
                _judge(total, judge, items.get(exchange.item), reply)
    _read_times(total, kept)
    return total


def models_of(exchanges: Iterable[Exchange]) -> Counter[tuple[str, str]]:
    """How often each model answered, by the model asked for and the one that answered."""
    by = ((each.model, each.reply.get("by", each.model)) for each in exchanges)
    return Counter((asked, str(answered or "no name")) for asked, answered in by)


def _text(exchange: Exchange) -> int:
    said = [exchange.reply.get(key) for key in ("reply", "refusal", "raw")]
    return sum(len(text.encode("utf-8", "surrogatepass")) for text in said if isinstance(text, str))


def _count_tokens(total: Figures, reply: Reply) -> None:
    if reply.usage is not None:
        sent, given = total.tokens
        total.tokens = (sent + reply.usage.input_tokens, given + reply.usage.output_tokens)
        total.counted += 1


def _judge(total: Figures, judge: Judge, item: Item | None, reply: Reply) -> None:
    cost = judge.cost(reply)
    if cost is not None:
        total.cost += cost
        total.priced += 1
    if item is not None:
        total.parsed += 1
        problem = judge.parse(item, reply).problem
        if problem is not None:
            total.problems[problem] += 1


def _read_times(total: Figures, kept: Kept) -> None:
    known = Times(kept.contents.path).known
    moments = [known[question] for question in kept.contents.held if question in known]
    total.days = sorted(moment.at[:10] for moment in moments)
    total.seconds = sorted(moment.seconds for moment in moments)
