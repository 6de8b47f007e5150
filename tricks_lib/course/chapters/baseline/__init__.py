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
    plan=PLAN,
    before="Python, and that a network is trained by gradient descent.",
    minutes=40,
    seconds=60,
    line="study({'baseline': baseline, 'trick': replace(baseline, ...)}, data, seeds=20)",
)
