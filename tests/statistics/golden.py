"""The golden table of the project's statistics note, section 7: rows human, columns judge, n = 100.

Its values were cross-checked there with scikit-learn, statsmodels, irrCAC, krippendorff and scipy.
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
