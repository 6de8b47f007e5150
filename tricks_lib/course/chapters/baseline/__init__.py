"""Chapter 00: what it claims, what it measures, how its trick is switched on.

Chapter: notebooks/00_baseline.ipynb
"""

from tricks_lib.course.chapter import Chapter

from .study import PLAN

__all__ = ["CHAPTER"]


CHAPTER = Chapter(
    __name__,
    number=0,
    title="Measuring a trick",
    claim="A difference between two runs means nothing until you know how far one seed moves it.",
    says="Train with the trick and without it, with the same twenty seeds, subtract seed by seed, "
    "and believe the mean difference only if its 95 % interval leaves zero out.",
    plan=PLAN,
    use="the difference may be small: a few points or less",
    avoid="the effect is far larger than what a seed moves: two or three seeds show it",
    start="five seeds for a first look, twenty for a verdict, each with its own training images",
    plain="scipy.stats.ttest_rel(trick, baseline).confidence_interval(0.95)",
    papers="[Goyal et al. 2017](../book/references.md#goyal2017accurate): mean ± standard "
    "deviation of five runs in tables 1 and 2",
    before="Python, how a network is trained by gradient descent, and what a mean and a standard "
    "deviation are.",
    minutes=60,
    minutes_for_all=120,
    seconds=60,
    seconds_on_gpu=17,
    line="study({'baseline': baseline, 'trick': replace(baseline, ...)}, data, seeds=20)",
)
