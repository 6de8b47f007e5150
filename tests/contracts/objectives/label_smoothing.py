from functools import partial

import torch
from torch import nn

from tricks_lib import LabelSmoothingLoss, smooth_targets, supervised

from ..cases import Call, ObjectiveCase, Wrong, some_logits, some_rows

TORCHS_OWN = supervised(nn.CrossEntropyLoss())

CASE = ObjectiveCase(
    examples=[supervised(LabelSmoothingLoss(0.1)), TORCHS_OWN],
    take_labels=[TORCHS_OWN],
    calls=[
        Call(smooth_targets, lambda count: {"targets": some_rows(count), "epsilon": 0.1}),
        Call(
            LabelSmoothingLoss(0.1),
            lambda count: {"logits": some_logits(count), "targets": some_rows(count)},
            gradient=("logits", "targets"),
        ),
    ],
    wrong=[
        Wrong(LabelSmoothingLoss, ValueError, "epsilon must be a number >= 0", epsilon=-0.1),
        Wrong(LabelSmoothingLoss, TypeError, "epsilon must be a number >= 0", epsilon="a"),
        Wrong(partial(smooth_targets, torch.eye(2)), ValueError, "epsilon must be", epsilon=1.1),
        Wrong(supervised, TypeError, "loss must be a loss, such as", loss=nn.CrossEntropyLoss),
        Wrong(supervised, TypeError, "loss must be a loss, such as", loss=None),
    ],
)
