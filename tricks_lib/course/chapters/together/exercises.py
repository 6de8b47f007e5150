"""Exercises of notebooks/19_together.ipynb.

Chapter: notebooks/19_together.ipynb
"""

from tricks_lib.course.exercises import Draws, Exercises, Function, agree, expect

__all__ = ["RIGHT", "WRONG", "check"]

check = Exercises()


@check.exercise("TODO a number by hand")
def _(by_hand):
    expect(
        by_hand,
        42,
        "TODO what to think of again, without the answer.",
        mistakes={"TODO what was done, where the wrong number tells it.": 24},
    )


@check.exercise("TODO the formula, written by you", domain="TODO `x` is any number.")
def _(square: Function, draws: Draws):
    agree(
        square,
        lambda x: x**2,
        [(0,), (1,), *((draws.number(-9, 9),) for _ in range(4))],
        "TODO what to think of again.",
        mistakes={"TODO what this wrong function did.": lambda x: 2 * x},
    )


@check.exercise(
    "TODO the trick on images of your own", domain="TODO `images` are float (B, C, H, W)."
)
def _(halved: Function, draws: Draws):
    agree(
        halved,
        lambda images: images / 2,
        [(draws.uniform(3, 1, 4, 6),), (draws.uniform(1, 3, 5, 5),)],
        "TODO what to think of again.",
        differentiable=["images"],
        fresh=True,
        mistakes={"TODO what this wrong function did.": lambda images: images - 0.5},
    )


# TODO what a learner may answer: right, and wrong with a part of the sentence that is then read.
RIGHT = {
    1: 42,
    2: lambda x: x * x,
    3: lambda images: 0.5 * images,
}

WRONG = {
    1: [(41, "what to think of again"), (24, "what was done")],
    2: [(lambda x: 2 * x, "what this wrong function did"), (lambda x: abs(x), "think of again")],
    3: [
        (lambda images: images - 0.5, "what this wrong function did"),
        (lambda images: images / 3, "think of again"),
        (lambda images: images.div_(2), "changed its argument"),
        (lambda images: images.detach() / 2, "has no gradient"),
    ],
}
