from functools import partial

import torch
from torch import nn

from tricks_lib import Distillation, distillation_loss, mlp

from ..cases import Call, Case, Wrong, some_logits, some_rows


class Teacher(nn.Module):
    """A teacher with an expression of its own: a network fixed by its seed."""

    def __init__(self, seed):
        super().__init__()
        self.seed = seed
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            self.network = mlp(3, 10, hidden=(), size=6)

    def forward(self, images):
        return self.network(images)

    def __repr__(self):
        return f"Teacher({self.seed})"


CASE = Case(
    examples=[Distillation(Teacher(7)), Distillation(Teacher(8), temperature=1.0, alpha=1.0)],
    calls=[
        Call(
            distillation_loss,
            lambda count: {
                "student_logits": some_logits(count),
                "teacher_logits": some_rows(count),
                "targets": some_rows(count),
                "temperature": 4.0,
                "alpha": 0.9,
            },
            gradient=("student_logits", "targets"),
        ),
        Call(
            distillation_loss,
            lambda count: {
                "student_logits": some_logits(count),
                "teacher_logits": some_rows(count),
                "targets": torch.arange(count) % 4,
                "temperature": 2.0,
                "alpha": 0.5,
            },
        ),
    ],
    wrong=[
        Wrong(Distillation, TypeError, "teacher must be a network, images -> logits", teacher=None),
        Wrong(
            partial(Distillation, Teacher(7)),
            ValueError,
            "temperature must be a number > 0, got 0",
            temperature=0,
        ),
        Wrong(
            partial(Distillation, Teacher(7)),
            ValueError,
            "alpha must be a number >= 0 and <= 1, got 1.1",
            alpha=1.1,
        ),
    ],
)
