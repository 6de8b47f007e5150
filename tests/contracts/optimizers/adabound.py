from functools import partial

import torch
from torch import nn

from tricks_lib import AdaBound, adabound

from ..cases import Case, Wrong

BOUND = partial(AdaBound, [nn.Parameter(torch.ones(1))])

CASE = Case(
    examples=[
        adabound,
        partial(adabound, final_lr=0.05, gamma=0.1, amsbound=True, weight_decay=1e-3),
    ],
    parts={AdaBound: "the optimizer that `adabound` builds"},
    wrong=[
        Wrong(AdaBound, TypeError, "params argument given to the optimizer", params=torch.ones(1)),
        Wrong(BOUND, ValueError, "lr must be a number >= 0, got -0.1", lr=-0.1),
        Wrong(BOUND, TypeError, "betas must be a pair of numbers, got 0.9", betas=0.9),
        Wrong(BOUND, ValueError, "each of betas must be a number >= 0 and < 1", betas=(0.9, 1.0)),
        Wrong(BOUND, ValueError, "final_lr must be a number > 0, got 0", final_lr=0),
        Wrong(BOUND, ValueError, "gamma must be a number > 0, got 0", gamma=0),
        Wrong(BOUND, ValueError, "eps must be a number >= 0, got -1", eps=-1),
        Wrong(BOUND, ValueError, "weight_decay must be a number >= 0, got -1", weight_decay=-1),
        Wrong(
            partial(adabound, nn.Linear(1, 1), 0.1),
            ValueError,
            "gamma must be a number > 0, got -1",
            gamma=-1,
        ),
    ],
)
