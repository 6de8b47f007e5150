from functools import partial

from tricks_lib.models.dropout import dropout

from ..cases import Case, Wrong

CASE = Case(
    # TODO one example for each way to use it, and two values of every parameter.
    examples=[dropout, partial(dropout, width=4)],
    wrong=[
        Wrong(partial(dropout, classes=10), ValueError, "channels must be a", channels=0),
        Wrong(partial(dropout, 3), ValueError, "classes must be a", classes=1),
        Wrong(partial(dropout, 3, 10), ValueError, "width must be a whole number >= 1", width=0),
    ],
)
