from functools import partial

from torch import nn

from tricks_lib import sgd

from ..cases import Case, Wrong

SGD = partial(sgd, nn.Linear(1, 1), 0.1)

CASE = Case(
    examples=[sgd, partial(sgd, momentum=0.5, weight_decay=0.1)],
    wrong=[
        Wrong(SGD, ValueError, "momentum must be a number >= 0 and < 1", momentum=-0.1),
        Wrong(SGD, ValueError, "weight_decay must be a number >= 0, got -0.1", weight_decay=-0.1),
    ],
)
