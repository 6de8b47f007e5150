"""Knowledge distillation: learn from a teacher's doubts.

Chapter: notebooks/06_distillation.ipynb
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..ops.arguments import as_number, check_logits, keep_number, logits_and_rows
from ..ops.modes import evaluating

__all__ = ["Distillation", "distillation_loss"]


def distillation_loss(
    student_logits: Tensor,
    teacher_logits: Tensor,
    targets: Tensor,
    temperature: float,
    alpha: float,
) -> Tensor:
    """Compare the student with the targets and, softened, with the teacher:
    (1 - alpha)·CE(q, p) + alpha·T²·KL(p_teacher^T, p_student^T), with p^T = softmax(logits/T).

    The gradient of the second term falls as 1/T²; the factor T² keeps its weight. The form of
    He, T. et al. has the cross-entropy for KL and no alpha: another value, and the same gradient
    where the two terms weigh the same.

    Args:
        student_logits: (B, K).
        teacher_logits: (B, K); no gradient flows into them.
        targets: rows of probabilities, float (B, K), or labels, whole numbers (B,).
        temperature: T, above 0.
        alpha: weight of the teacher, in [0, 1].

    Returns:
        The mean over the batch, a scalar, in nats.

    Raises:
        TypeError: if targets are neither, or logits are no floating-point numbers.
        ValueError: if shapes differ, as with a teacher of another number of classes, a label is no
            class, or a parameter is out of its range.

    Source: Hinton, Vinyals, Dean 2015, arXiv:1503.02531, section 2.
    """
    temperature = as_number("temperature", temperature, 0, above=True)
    alpha = as_number("alpha", alpha, 0, 1)
    logits, rows = logits_and_rows(student_logits, targets, "student_logits")
    check_logits(teacher_logits, rows, "teacher_logits")
    hard = F.cross_entropy(logits, rows)
    soft = F.kl_div(
        F.log_softmax(student_logits / temperature, dim=1),
        F.log_softmax(teacher_logits.detach() / temperature, dim=1),
        reduction="batchmean",  # "mean" would divide by K too
        log_target=True,
    )
    return (1 - alpha) * hard + alpha * temperature**2 * soft


@dataclass(frozen=True)
class Distillation:
    """An objective that asks a teacher as well: see `distillation_loss`.

    The teacher sees the same images, augmented and mixed, as the student. It answers in evaluation
    mode and without gradients, and is left as it was: its mode, its weights, its running
    statistics.

    Args:
        teacher: a trained network, images -> logits, on the device of the images. Any function
            will do; one whose `repr` rebuilds it makes a recorded recipe complete.
        temperature: T, above 0; 1 is usual where the teacher was trained on soft targets.
        alpha: weight of the teacher, in [0, 1].

    Shape: float images (B, C, H, W), and target rows (B, K) or labels (B,) -> loss, logits (B, K).

    Raises:
        TypeError: if `teacher` cannot be called, or a parameter is no number.
        ValueError: if a parameter is out of its range, or the teacher has other classes.

    Source: Hinton, Vinyals, Dean 2015, arXiv:1503.02531.
    """

    teacher: Callable[[Tensor], Tensor]
    temperature: float = 4.0
    alpha: float = 0.9

    def __post_init__(self) -> None:
        """Check the parameters once."""
        if isinstance(self.teacher, type) or not callable(self.teacher):
            raise TypeError(f"teacher must be a network, images -> logits, got {self.teacher!r}")
        keep_number(self, "temperature", 0, above=True)
        keep_number(self, "alpha", 0, 1)

    def __call__(self, model: nn.Module, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return the loss and the student's logits."""
        with torch.no_grad(), evaluating(self.teacher):
            answers = self.teacher(images)
        logits = model(images)
        loss = distillation_loss(logits, answers, targets, self.temperature, self.alpha)
        return loss, logits
