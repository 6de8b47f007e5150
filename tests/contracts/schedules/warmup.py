from functools import partial

from tricks_lib import constant, constant_warmup, cosine_decay, cosine_restarts, gradual_warmup

from ..cases import Case, Wrong

NO_SCHEDULE = "then must be a schedule, such as cosine_decay(length=9), got 0.1"

CASE = Case(
    examples=[
        lambda length: constant(),
        lambda length: constant_warmup(length, 0.1),
        lambda length: constant_warmup(length, 0.3, then=cosine_restarts(length, 1.5)),
        lambda length: gradual_warmup(length),
        lambda length: gradual_warmup(length, cosine_decay(3 * length), start=1 / 3),
    ],
    wrong=[
        Wrong(
            partial(constant_warmup, start=0.1),
            ValueError,
            "length must be a number >= 0, got -1",
            length=-1,
        ),
        Wrong(
            partial(constant_warmup, 5),
            ValueError,
            "start must be a number >= 0, got inf",
            start=float("inf"),
        ),
        Wrong(partial(constant_warmup, 5, 0.1), TypeError, NO_SCHEDULE, then=0.1),
        Wrong(
            gradual_warmup,
            ValueError,
            "length must be a number >= 0, got nan",
            length=float("nan"),
        ),
        Wrong(
            partial(gradual_warmup, 5),
            ValueError,
            "start must be a number >= 0, got -1",
            start=-1,
        ),
        Wrong(partial(gradual_warmup, 5), TypeError, NO_SCHEDULE, then=0.1),
        Wrong(gradual_warmup, TypeError, "length must be a number >= 0, got '5'", length="5"),
        Wrong(
            partial(gradual_warmup, 1),
            TypeError,
            "then must be a schedule, such as cosine_decay(length=9), got <class",
            then=cosine_decay,
        ),
    ],
)
