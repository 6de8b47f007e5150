from functools import partial

import torch
from torch import nn

from tricks_lib import LabelSmoothingLoss, smooth_targets, supervised

from ..cases import Call, Case, Wrong, some_logits, some_rows

WEIGHT = (0.5, 1.0, 2.0, 1.5, 0.25, 1.0, 0.0, 3.0, 1.0, 0.75)


def some_labels(count):
    """Make labels of four classes, int (count,)."""
    return torch.arange(count) % 4


CASE = Case(
    examples=[
        supervised(LabelSmoothingLoss(0.1)),
        supervised(LabelSmoothingLoss(0.2, weight=WEIGHT)),
        supervised(nn.CrossEntropyLoss()),
    ],
    calls=[
        Call(smooth_targets, lambda count: {"targets": some_rows(count), "epsilon": 0.1}),
        Call(
            smooth_targets,
            lambda count: {"targets": some_labels(count), "epsilon": 0.1, "num_classes": 4},
            gradient=(),
        ),
        Call(
            LabelSmoothingLoss(0.1),
            lambda count: {"logits": some_logits(count), "targets": some_rows(count)},
            gradient=("logits", "targets"),
        ),
        Call(
            LabelSmoothingLoss(0.1),
            lambda count: {"logits": some_logits(count), "targets": some_labels(count)},
        ),
    ],
    wrong=[
        Wrong(LabelSmoothingLoss, ValueError, "epsilon must be a number >= 0", epsilon=-0.1),
        Wrong(LabelSmoothingLoss, TypeError, "epsilon must be a number >= 0", epsilon="a"),
        Wrong(LabelSmoothingLoss, ValueError, "weight must be finite numbers >= 0", weight=(1, -1)),
        Wrong(LabelSmoothingLoss, TypeError, "weight must be a number for each class", weight=0.5),
        Wrong(partial(smooth_targets, torch.eye(2)), ValueError, "epsilon must be", epsilon=1.1),
        Wrong(supervised, TypeError, "loss must be a loss, such as", loss=nn.CrossEntropyLoss),
        Wrong(supervised, TypeError, "loss must be a loss, such as", loss=None),
    ],
)
