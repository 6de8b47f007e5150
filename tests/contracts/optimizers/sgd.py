from functools import partial

from torch import nn

from tricks_lib import sgd

from ..cases import Case, Wrong

SGD = partial(sgd, nn.Linear(1, 1), 0.1)

CASE = Case(
    examples=[sgd, partial(sgd, momentum=0.5, weight_decay=0.1)],
    wrong=[
        Wrong(SGD, ValueError, "Invalid momentum value: -0.1", momentum=-0.1),
        Wrong(SGD, ValueError, "Invalid weight_decay value: -0.1", weight_decay=-0.1),
    ],
)
