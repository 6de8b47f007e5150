from functools import partial

from tricks_lib import he_, initialized, mlp, small_resnet, xavier_, zero_last_gamma_

from ..cases import Case, Wrong

CASE = Case(
    examples=[
        partial(initialized, build=mlp, init=he_),
        partial(initialized, build=small_resnet, init=xavier_),
        partial(initialized, build=small_resnet, init=zero_last_gamma_),
    ],
    wrong=[
        Wrong(partial(initialized, 3, 10, init=he_), TypeError, "build must be", build=None),
        Wrong(partial(initialized, 3, 10, build=mlp), TypeError, "init must be", init="he"),
    ],
)
