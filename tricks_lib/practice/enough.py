"""How much is enough: seeds, test images, and the smallest difference that a study can see.

Chapter: notebooks/20_own_images.ipynb
"""

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
from scipy import stats
from scipy.optimize import brentq

from ..lab.study.finding import mean_and_spread

__all__ = [
    "CHANCE",
    "MOST_SEEDS",
    "added_margin",
    "binomial_margin",
    "detectable",
    "images_needed",
    "more_seeds",
    "paired_margin",
    "target",
    "variances",
]

CHANCE = 0.8
"""In how many cases what is promised here comes true: four of five."""

MOST_SEEDS = 100
"""Nobody waits for more."""


def target(difference: float, smallest: float) -> float:
    """Return how narrow an interval must be to decide about a difference that stays as it is.

    Half of it must be below the difference: then zero lies outside; or below what the difference
    leaves of the smallest one that matters: then all of it lies inside ± that.

    Args:
        difference: mean that was seen.
        smallest: smallest difference that matters, above 0.
    """
    return max(abs(difference), smallest - abs(difference))


def more_seeds(
    values: Sequence[float],
    half: float,
    *,
    comparisons: int = 1,
    chance: float = CHANCE,
    most: int = MOST_SEEDS,
) -> int | None:
    """Return how many seeds more make half of the interval at most so wide.

    The spread of a few seeds is known badly: three may lie close together by luck. So the promise
    is for most cases, by the distribution that the sum of squares of all n + N differences has, if
    that of the first n is S: S · (1 + N/(n - 1) · F), with F of Fisher's distribution with N and
    n - 1 degrees of freedom.

    Args:
        values: paired differences so far, two or more.
        half: what half of the interval shall be at most.
        comparisons: how many differences are read together, see `Difference`.
        chance: share of all cases in which the promise holds at least, for normal differences.
        most: where no more seeds would be run than this.

    Returns:
        How many, from 1; None if more than `most` are needed.
    """
    _, spread = mean_and_spread(values)
    enough = np.flatnonzero(spread * _halves(len(values), comparisons, chance, most) <= half)
    return int(enough[0]) + 1 if len(enough) else None


@cache
def _halves(count: int, comparisons: int, chance: float, most: int) -> np.ndarray:
    """Return how wide half of the interval is after 1, 2, ... more seeds, for a spread of 1."""
    more = np.arange(1, most + 1)
    total = count + more
    squares = count - 1 + more * stats.f.ppf(chance, more, count - 1)
    halves: np.ndarray = _quantile(comparisons, total - 1) * np.sqrt(
        squares / ((total - 1) * total)
    )
    return halves


def detectable(spread: float, count: int, *, comparisons: int = 1, chance: float = CHANCE) -> float:
    """Return the smallest true difference that a study sees in most cases: the power of a t test.

    "Sees" means that zero lies outside of its interval. A smaller difference is easily missed, so
    "no difference seen" says little about it.

    Args:
        spread: standard deviation of the paired differences.
        count: seeds, two or more.
        comparisons: how many differences are read together.
        chance: share of the studies that see it.
    """
    return spread * _detectable(count, comparisons, chance)


@cache
def _detectable(count: int, comparisons: int, chance: float) -> float:
    """Return it for a spread of 1.

    scipy's noncentral t overflows for two seeds and many comparisons. So the average over spreads
    is taken here, from equally likely ones.
    """
    freedom = count - 1
    likely = (np.arange(4000) + 0.5) / 4000
    bars = _quantile(comparisons, freedom) * np.sqrt(stats.chi2.ppf(likely, freedom) / freedom)
    shift = brentq(lambda shift: stats.norm.sf(bars - shift).mean() - chance, 0, bars[-1] + 10)
    return float(shift / math.sqrt(count))


def paired_margin(trick: np.ndarray, baseline: np.ndarray, *, comparisons: int = 1) -> float:
    """Return by how much the difference may change with other test images of the kind.

    Both networks answered the same images, so only those count that one answers and the other does
    not. This is the interval that McNemar's test stands on, for answers averaged over seeds.

    Args:
        trick: share of the seeds that answered each image rightly, (N,).
        baseline: the same without the trick, (N,).
        comparisons: how many differences are read together.

    Returns:
        Half of the 95 % interval.
    """
    gaps = np.asarray(trick, dtype=float) - np.asarray(baseline, dtype=float)
    if len(gaps) < 2:
        return math.inf
    return float(_quantile(comparisons) * gaps.std(ddof=1) / math.sqrt(len(gaps)))


def variances(gaps: np.ndarray) -> tuple[float, float, float]:
    """Return the parts of which differences consist: how far they move with the seed, with the
    image, and with what one seed does on one image. A two-way analysis of variance with one
    difference in each cell.

    Args:
        gaps: trick minus baseline, (seeds, images) or (seeds, parts of the images), two or more of
            both.

    Returns:
        Three variances; 0 where an estimate falls below it.
    """
    seeds, images = gaps.shape
    rest = gaps - gaps.mean(axis=1, keepdims=True) - gaps.mean(axis=0) + gaps.mean()
    of_both = float((rest**2).sum()) / ((seeds - 1) * (images - 1))
    of_seeds = max(0.0, float(gaps.mean(axis=1).var(ddof=1)) - of_both / images)
    of_images = max(0.0, float(gaps.mean(axis=0).var(ddof=1)) - of_both / seeds)
    return of_seeds, of_images, of_both


def added_margin(trick: np.ndarray, baseline: np.ndarray, *, comparisons: int = 1) -> float:
    """Return what the choice of the test images adds to the interval of the seeds.

    What one network does on one image is chance of both: it widens the interval of the seeds, and
    `paired_margin` too. Here it is taken out, by an analysis of variance of seeds and images. So
    the interval for other seeds *and* other images is the root of the sum of squares of this and
    the seeds'.

    Args:
        trick: whether each network answered each image rightly, (seeds, N), two or more of both.
        baseline: the same without the trick.
        comparisons: how many differences are read together.

    Returns:
        Half of the 95 % interval; 0 where chance of both explains all of it, infinity for a single
        image.

    Raises:
        ValueError: if there are fewer than two seeds.
    """
    gaps = np.asarray(trick, dtype=float) - np.asarray(baseline, dtype=float)
    seeds, images = gaps.shape
    if seeds < 2:
        raise ValueError(f"expected answers of two seeds or more, got {seeds}")
    if images < 2:
        return math.inf
    _, of_images, _ = variances(gaps)
    return float(_quantile(comparisons) * math.sqrt(of_images / images))


def binomial_margin(accuracies: Sequence[float], images: int, *, comparisons: int = 1) -> float:
    """Return the margin where nobody knows which images were answered rightly: a bound.

    Two networks that were tested on other images each would differ by so much. On the same images
    it is less.

    Args:
        accuracies: of both, in [0, 1].
        images: N, how many each was tested on.
        comparisons: how many differences are read together.
    """
    variance = sum(share * (1 - share) for share in accuracies) / images
    return float(_quantile(comparisons) * math.sqrt(variance))


def images_needed(images: int, margin: float, half: float, seeds: float = 0.0) -> int:
    """Return how many test images make half of an interval at most so wide.

    Args:
        images: how many there are.
        margin: what their choice adds.
        half: what half of the interval shall be at most.
        seeds: half of the interval of the seeds, below `half`; more images leave it as it is.

    Raises:
        ValueError: if the seeds alone leave more open than that.
    """
    if not 0 <= seeds < half:
        raise ValueError(f"expected seeds that leave less than {half} open, got {seeds}")
    return math.ceil(images * margin**2 / (half**2 - seeds**2))


def _quantile(comparisons: int, freedom: int | np.ndarray | None = None) -> np.ndarray | float:
    """Return how many standard errors make half of an interval (Bonferroni)."""
    level = 1 - 0.025 / comparisons
    return stats.norm.ppf(level) if freedom is None else stats.t.ppf(level, freedom)
