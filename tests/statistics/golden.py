"""A table of 100 items on three labels, rows the humans', columns the judge's, made up for these tests.

The values that tests hold its figures to are those of other packages: scikit-learn 1.9.1, statsmodels 0.15.0,
scipy 1.17.1, krippendorff 0.9.0 and irrCAC 0.4.4.
"""

from __future__ import annotations

from pytest_mllm_judge.statistics import coincidence_sums, table_sums

TABLE = [[40, 5, 2], [6, 20, 4], [3, 2, 18]]
HUMAN = [row for row in range(3) for column in range(3) for _ in range(TABLE[row][column])]
JUDGE = [column for row in range(3) for column in range(3) for _ in range(TABLE[row][column])]
ALONE = [str(place) for place in range(100)]
TWO_SIDED_95 = 0.975
SUMS = table_sums(JUDGE, HUMAN, ALONE, labels=[0, 1, 2])
COINCIDENCES = coincidence_sums(list(zip(JUDGE, HUMAN, strict=True)), ALONE, labels=[0, 1, 2])
