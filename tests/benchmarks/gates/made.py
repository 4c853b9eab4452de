"""Data sets in codes, made into judgements."""

from __future__ import annotations

from pytest_mllm_judge import Item, Judgement, Judgements, Response
from pytest_mllm_judge.model import Label, Tasks
from tests.benchmarks.gates.populations import Asked, Population
from tests.benchmarks.statistics.populations import Layout
from tests.benchmarks.statistics.rankings import ANSWERS

SLICES = 20
"""The sources that clusters take in turn."""
_RESPONSES = tuple(Response.model_construct(text=f"answer {place}") for place in range(ANSWERS))
_HOW_MANY = {"score": 1, "pair": 2, "batch": ANSWERS}
Key = tuple[int, int, int, int]
"""Of a judgement the repeat, the place, the human label's code and the verdict's."""


class Made:
    """Makes data sets of a population and a layout.

    A judgement, once made, is used again, for any judge: nothing that is computed looks at the judge's name.
    """

    def __init__(self, population: Population, at: Layout) -> None:
        self.population, self.at = population, at
        self._judgements: dict[Key, Judgement] = {}
        self._items: dict[tuple[int, int], Item] = {}

    def judgements(self, asked: Asked, name: str, *, asks: int) -> Judgements:
        """A judge's judgements by place and repeat, of so many of its asks."""
        human, verdicts = asked.human.tolist(), asked.verdicts[name][:asks]
        some = [
            self._judgement((repeat, place, human[place], code))
            for place, codes in enumerate(verdicts.T.tolist())
            for repeat, code in enumerate(codes)
        ]
        return Judgements(some, cluster_of=_cluster_of, tasks=Tasks())

    def _judgement(self, key: Key) -> Judgement:
        found = self._judgements.get(key)
        if found is None:
            repeat, place, human, code = key
            verdict = self.population.verdict(place, code)
            found = Judgement.model_construct(
                item=self._item(place, human), judge="judge", repeat=repeat, verdict=verdict
            )
            self._judgements[key] = found
        return found

    def _item(self, place: int, code: int) -> Item:
        if (place, code) not in self._items:
            self._items[place, code] = self._made(place, self.population.label(place, code))
        return self._items[place, code]

    def _made(self, place: int, label: Label) -> Item:
        cluster, task = int(self.at.clusters[place]), self.population.task
        return Item.model_construct(
            id=f"item-{place:04d}",
            task=task,
            responses=_RESPONSES[: _HOW_MANY[task]],
            human=(label,),
            source=f"source-{cluster % SLICES:02d}",
            cluster=f"cluster-{cluster:04d}",
        )


def _cluster_of(item: Item) -> str:
    return str(item.cluster)
