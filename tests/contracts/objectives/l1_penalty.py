from functools import partial

import torch

from tricks_lib import (
    L1Penalty,
    LabelSmoothingLoss,
    cross_entropy,
    l1_norm,
    mlp,
    soft_threshold,
    supervised,
)

from ..cases import Call, Case, Wrong, some_logits

MODEL = mlp(1, 3, hidden=(), size=2)

CASE = Case(
    examples=[
        L1Penalty(strength=1e-3, objective=cross_entropy),
        L1Penalty(strength=0.01, objective=supervised(LabelSmoothingLoss(epsilon=0.3))),
    ],
    calls=[
        Call(soft_threshold, lambda count: {"weights": some_logits(count), "amount": 0.3}),
        Call(l1_norm, lambda count: {"model": MODEL}, gradient=()),
    ],
    wrong=[
        Wrong(L1Penalty, ValueError, "strength must be a number >= 0, got -1", strength=-1),
        Wrong(L1Penalty, TypeError, "objective must be an objective, such as", objective=L1Penalty),
        Wrong(
            partial(soft_threshold, torch.ones(2)),
            ValueError,
            "amount must be a number >= 0, got -1",
            amount=-1,
        ),
    ],
)
