"""What chance alone does to verdicts: tricks that do nothing, and seeds that pull two arms along.

Chapter: notebooks/00_baseline.ipynb
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from tricks_lib.course.chapter import CHAPTERS
from tricks_lib.lab.study import StudyResult

__all__ = [
    "HELPS",
    "Together",
    "error_of_the_test_images",
    "holm",
    "settled",
    "several_tricks",
    "together",
]

HELPS = 'a false "helps"'


def holm(p: np.ndarray, level: float = 0.05) -> np.ndarray:
    """Tell which of several comparisons show a difference, by Holm's method.

    The smallest p must be below level / n, the next below level / (n - 1), and so on; from the
    first that is not, nothing more is seen. Whatever is true of the n, the chance of one false
    alarm or more is at most `level`.

    Args:
        p: p-values, one set of comparisons in each row, (..., n).
        level: chance of a false alarm that is allowed to all n together.

    Returns:
        Truth values of the same shape.

    Source: Holm 1979, "A simple sequentially rejective multiple test procedure", Scandinavian
    Journal of Statistics 6.
    """
    order = np.argsort(p, axis=-1)
    left = p.shape[-1] - np.arange(p.shape[-1])
    below = np.take_along_axis(p, order, axis=-1) * left <= level
    seen = np.zeros(p.shape, dtype=bool)
    np.put_along_axis(seen, order, np.logical_and.accumulate(below, axis=-1), axis=-1)
    return seen


def several_tricks(
    effects: Sequence[float],
    seeds: int = 10,
    spread: float = 0.5,
    studies: int = 2000,
    level: float = 0.05,
) -> dict[str, dict[str, float]]:
    """Simulate studies of several tricks, and judge each in three ways.

    Args:
        effects: what each trick truly does, in points; 0 for one that does nothing.
        seeds: pairs of runs of each trick.
        spread: standard deviation of a single difference, in points.
        studies: how many studies.
        level: of the intervals.

    Returns:
        By the way of judging ("each alone", "Bonferroni", "Holm"): the share of studies with at
        least one false "helps", the share with at least one false verdict of either sign, and the
        share that was found of the tricks that do something (NaN if none does).
    """
    true = np.asarray(effects, dtype=float)
    draws = np.random.default_rng(0)
    gaps = true[:, None] + spread * draws.standard_normal((studies, len(true), seeds))
    test = stats.ttest_1samp(gaps, 0, axis=2)
    p, up = np.asarray(test.pvalue), gaps.mean(axis=2) > 0
    ways = {
        "each alone": p < level,
        "Bonferroni": p < level / len(true),
        "Holm": holm(p, level),
    }
    idle = true == 0
    return {
        way: {
            HELPS: float((seen & up & idle).any(axis=1).mean()),
            "a false verdict": float((seen & idle).any(axis=1).mean()),
            "found": float(seen[:, ~idle].mean()) if not idle.all() else float("nan"),
        }
        for way, seen in ways.items()
    }


@dataclass(frozen=True)
class Together:
    """How far the seeds move an arm and its baseline together, in a recorded study.

    Args:
        study: name of the record.
        arm: the arm that is compared with the baseline.
        seeds: how many they share.
        correlation: of the two accuracies over the seeds.
        width: width of the paired interval, as a share of the one that ignores the pairs.
    """

    study: str
    arm: str
    seeds: int
    correlation: float
    width: float


def together(least: int = 10) -> list[Together]:
    """Look through all records of the chapters for pairs of arms with so many seeds in common."""
    found = []
    for file in sorted(CHAPTERS.glob("*/results/*.jsonl")):
        result = StudyResult.load(file)
        for arm in result.runs:
            try:
                pairs = [result.values(one) for one in (result.baseline, arm)]
            except KeyError:  # a study without accuracies
                continue
            seeds = sorted(pairs[0].keys() & pairs[1].keys())
            a, b = (np.array([values[seed] for seed in seeds]) for values in pairs)
            if arm == result.baseline or len(seeds) < least or not (a.std() and b.std()):
                continue
            apart = np.hypot(a.std(ddof=1), b.std(ddof=1))
            found.append(
                Together(
                    file.stem,
                    arm,
                    len(seeds),
                    float(np.corrcoef(a, b)[0, 1]),
                    float((b - a).std(ddof=1) / apart),
                )
            )
    return found


def error_of_the_test_images(result: StudyResult, arm: str) -> tuple[float, float]:
    """Split the uncertainty of a mean difference: what other seeds and what other test images
    would change.

    The test images are a sample, as the seeds are. The differences on many equal parts of them,
    each a mean over all seeds, vary from part to part.

    Args:
        result: a study whose runs keep `accuracy_by_part`.
        arm: the arm that is compared with the baseline.

    Returns:
        The standard error over the seeds, and that over the parts of the test images, in points.
    """
    ours, theirs = (result.values(one, "accuracy_by_part") for one in (arm, result.baseline))
    gaps = 100 * np.array([np.subtract(ours[s], theirs[s]) for s in sorted(ours.keys() & theirs)])
    return float(stats.sem(gaps.mean(axis=1))), float(stats.sem(gaps.mean(axis=0)))


def settled(words: Sequence[object]) -> int:
    """Return from how many pairs on an answer stays what it is in the end.

    Args:
        words: the answer of the first 2 pairs, of the first 3, and so on.
    """
    return 2 + max((n + 1 for n, word in enumerate(words) if word != words[-1]), default=0)
