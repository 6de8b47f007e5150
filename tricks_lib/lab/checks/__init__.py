"""Exercises that answer: right, what is wrong, or not tried yet.

A chapter's exercises are one module here, named by its slug:

    check = Exercises()

    @check.exercise("the factor half-way")
    def _(answer):
        return expect(answer, 0.55, "half-way the factor is the mean of start and 1")

and in the notebook, `check(1, answer)`.
"""

from .exercises import Answer as Answer
from .exercises import Exercises as Exercises
from .exercises import expect as expect
