from functools import partial

from torch import nn

from tricks_lib import adam, adamw, sgd_no_bias_decay, split_weight_decay

from ..cases import Case, Wrong

MODEL = nn.Linear(1, 1)
NEGATIVE = "weight_decay must be a number >= 0, got -0.1"

CASE = Case(
    examples=[
        sgd_no_bias_decay,
        partial(sgd_no_bias_decay, momentum=0.5, weight_decay=0.1),
        adam,
        partial(adam, weight_decay=0.1),
        adamw,
        partial(adamw, weight_decay=0.1),
    ],
    wrong=[
        Wrong(partial(split_weight_decay, MODEL), ValueError, NEGATIVE, weight_decay=-0.1),
        Wrong(partial(sgd_no_bias_decay, MODEL, 0.1), ValueError, NEGATIVE, weight_decay=-0.1),
        Wrong(
            partial(sgd_no_bias_decay, MODEL, 0.1),
            ValueError,
            "momentum must be a number >= 0 and < 1",
            momentum=-0.1,
        ),
        Wrong(
            partial(adam, MODEL, 0.1),
            ValueError,
            NEGATIVE,
            weight_decay=-0.1,
        ),
        Wrong(
            partial(adamw, MODEL, 0.1),
            ValueError,
            NEGATIVE,
            weight_decay=-0.1,
        ),
    ],
)
