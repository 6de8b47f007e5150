from functools import partial

from tricks_lib import linear_scaling, sqrt_scaling

from ..cases import Case, Wrong

CASE = Case(
    no_examples="it turns a rate into a rate; a schedule turns a time into a factor",
    wrong=[
        wrong
        for scaling in (linear_scaling, sqrt_scaling)
        for wrong in (
            Wrong(partial(scaling, batch_size=64), ValueError, "lr must be a number > 0", lr=0),
            Wrong(partial(scaling, 0.1), ValueError, "batch_size must be a", batch_size=0),
            Wrong(partial(scaling, 0.1, 64), ValueError, "reference must be a", reference=0),
        )
    ],
)
