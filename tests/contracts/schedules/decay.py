from functools import partial

from tricks_lib import cosine_decay, cosine_restarts, linear_decay, step_decay

from ..cases import Case, Wrong

CASE = Case(
    examples=[
        lambda length: step_decay((length, 2.5 * length), gamma=0.2),
        lambda length: step_decay(()),
        lambda length: cosine_decay(length),
        lambda length: cosine_decay(length, final=0.01),
        lambda length: linear_decay(length),
        lambda length: linear_decay(length, final=0.1),
        lambda length: cosine_restarts(length),
        lambda length: cosine_restarts(length, multiplier=2, final=0.2),
    ],
    wrong=[
        Wrong(step_decay, ValueError, "milestones must increase, got (2, 1)", milestones=(2, 1)),
        Wrong(step_decay, TypeError, "milestones must be numbers such as (30, 60)", milestones=30),
        Wrong(
            partial(step_decay, (1,)), ValueError, "gamma must be a number > 0 and <= 1", gamma=0
        ),
        Wrong(cosine_decay, ValueError, "length must be a number > 0, got 0", length=0),
        Wrong(
            partial(cosine_decay, 5), ValueError, "final must be a number >= 0 and <= 1", final=2
        ),
        Wrong(linear_decay, ValueError, "length must be a number > 0, got -1", length=-1),
        Wrong(
            partial(linear_decay, 5), ValueError, "final must be a number >= 0 and <= 1", final=-1
        ),
        Wrong(cosine_restarts, ValueError, "period must be a number > 0, got 0", period=0),
        Wrong(
            partial(cosine_restarts, 5),
            ValueError,
            "multiplier must be a number >= 1, got 0.5",
            multiplier=0.5,
        ),
        Wrong(partial(cosine_restarts, 5), ValueError, "final must be a number >= 0", final=2),
    ],
)
