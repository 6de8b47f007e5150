"""Exercises of notebooks/06_distillation.ipynb.

Chapter: notebooks/06_distillation.ipynb
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import torch.nn.functional as F

from tricks_lib.course.exercises import Draws, Exercises, Function, agree, expect
from tricks_lib.course.own_interval import OwnInterval
from tricks_lib.lab.data import Data, load_data
from tricks_lib.lab.study import StudyResult, study
from tricks_lib.models import mlp
from tricks_lib.objectives import Distillation, distillation_loss
from tricks_lib.recipe import Recipe

from .study import Teacher, with_teacher

__all__ = ["RIGHT", "WRONG", "check"]

check = Exercises()

SMALL = partial(mlp, hidden=(16,), size=8)

SOFTENED = [0.5, 0.375, 0.125]
ASKED = [0.9 * 16 / 26, 0.1 + 0.9 * 9 / 26, 0.9 * 1 / 26]


@check.exercise("two temperatures by hand")
def _(softened, asked):
    expect(
        softened,
        SOFTENED,
        "At T = 2 each probability becomes its square root; then divide by their sum.",
        tolerance=2e-3,
        mistakes={
            "The roots are right, and must sum to 1.": [n / math.sqrt(26) for n in (4, 3, 1)],
            "Dividing a probability by 2 changes nothing once they sum to 1: divide the logits.": [
                16 / 26,
                9 / 26,
                1 / 26,
            ],
            "That is T = 1/2: the row became sharper.": [n**4 / 338 for n in (4, 3, 1)],
        },
    )
    expect(
        asked,
        ASKED,
        "A tenth of the label's row and nine tenths of the teacher's, class by class.",
        tolerance=2e-3,
        mistakes={
            "The weights are exchanged: α = 0.9 is the teacher's.": [
                0.1 * 16 / 26,
                0.9 + 0.1 * 9 / 26,
                0.1 * 1 / 26,
            ],
            "The label is class 1, the second of the three.": [
                0.1 + 0.9 * 16 / 26,
                *(0.9 * n / 26 for n in (9, 1)),
            ],
            "That is with the row at T = 2: here T is 1.": [0.45, 0.4375, 0.1125],
        },
    )


@check.exercise(
    "the loss, written by you",
    domain="`student_logits` and `teacher_logits` are (B, K), `labels` (B,) whole numbers, "
    "`temperature` is above 0 and `alpha` from 0 to 1.",
)
def _(my_distillation: Function, draws: Draws):
    def case(images: int, classes: int, temperature: float | None = None):
        heat = temperature or draws.number(2.5, 6, 1)
        student, teacher = (3 * draws.normal(images, classes) for _ in range(2))
        return student, teacher, draws.whole(0, classes - 1, images), heat, draws.number(0.3, 0.8)

    cases = [case(draws.count(5, 9), draws.count(4, 7)) for _ in range(4)]
    cases += [case(1, 3), case(6, 10, temperature=1.0)]
    agree(
        my_distillation,
        distillation_loss,
        cases,
        "Take (1 - α) times the cross-entropy with the labels, and α T² times the Kullback-Leibler "
        "divergence of the two softened rows.",
        differentiable=["student_logits"],
        mistakes={
            "The factor T² is missing: the second term would fade for large T.": _without_square,
            "The divergence is a sum over the classes, and a mean over the images: yours is a mean "
            "over both, K times too small.": _mean_over_classes,
            "The divergence is the other way round: the teacher's probabilities are the weights "
            "of the logarithms.": _the_other_way,
            "Both networks are softened by T, and yours the teacher alone.": _teacher_alone,
            "Both networks are softened by T, and yours the student alone.": _student_alone,
            "α is the weight of the teacher: yours are exchanged.": _exchanged,
            "That is the cross-entropy with the teacher: subtract the teacher's own entropy. (The "
            "gradient would be the same.)": _cross_entropies,
            "The cross-entropy with the labels is taken at T = 1.": _hard_softened,
            "That is the sum over the images: take their mean.": lambda *task: (
                len(task[2]) * _my_distillation(*task)
            ),
        },
    )


@check.exercise(
    "an interval of your own",
    domain="`baseline` is a recipe, `teacher` a `Teacher` that is not trained yet, `data` has "
    "training and test images, and `seeds` is a list of two or more.",
)
def _(gain_of_teacher: Function, draws: Draws):
    def case():
        recipe = Recipe(epochs=3, batch_size=20, lr=draws.number(0.03, 0.08), model=SMALL)
        data = load_data("digits").subset(train=40, test=60, seed=draws.count(0, 99))
        lesson = Recipe(epochs=draws.count(3, 6), batch_size=50, lr=0.05, model=SMALL)
        seeds = [draws.count(0, 999) for _ in range(draws.count(2, 4))]
        return recipe, Teacher(lesson, digits), data, seeds

    GAIN.judge(gain_of_teacher, draws, case)


@check.exercise(
    "the gradient",
    domain="`student_logits` and `teacher_logits` are (B, K), and `temperature` is above 0.",
)
def _(soft_gradient: Function, draws: Draws):
    def case(images: int, classes: int):
        student, teacher = (2 * draws.normal(images, classes) for _ in range(2))
        return student, teacher, draws.number(1.5, 8, 1)

    agree(
        soft_gradient,
        _soft_gradient,
        [case(draws.count(3, 8), draws.count(3, 7)) for _ in range(4)] + [case(1, 3)],
        "T times the difference of the two softened rows, over the number of images.",
        mistakes={
            "That is the gradient without T²: multiply by it.": (
                lambda z, r, T: _soft_gradient(z, r, T) / T**2
            ),
            "The factor is T: T² from the loss, and 1/T from softmax(z/T).": (
                lambda z, r, T: _soft_gradient(z, r, T) * T
            ),
            "The sign is the other way: where the student is too sure, the gradient is above 0.": (
                lambda z, r, T: -_soft_gradient(z, r, T)
            ),
            "The loss is a mean over the images: divide by their number.": (
                lambda z, r, T: _soft_gradient(z, r, T) * len(z)
            ),
            "That is the limit for a large T: here T is what it is.": (
                lambda z, r, T: (
                    (z - z.mean(1, keepdim=True) - r + r.mean(1, keepdim=True)) / z.numel()
                )
            ),
        },
    )


@check.exercise("two forms of one loss", domain="`alpha` is above 0 and below 1.")
def _(in_the_form_of_he: Function, draws: Draws):
    agree(
        in_the_form_of_he,
        _in_the_form_of_he,
        [(0.5,), *((draws.number(0.1, 0.95, 3),) for _ in range(4))],
        "Take (1 - α) out of both terms of the weighted form.",
        parts=("weight", "factor"),
        mistakes={
            "The weight is that of the teacher's term over that of the label's: α/(1 - α).": (
                lambda alpha: (alpha, 1 - alpha)
            ),
            "The weight is turned round: α is the teacher's.": (
                lambda alpha: ((1 - alpha) / alpha, 1 - alpha)
            ),
            "The weight is right; the factor is what stands before the label's term.": (
                lambda alpha: (alpha / (1 - alpha), 1 / (1 - alpha))
            ),
        },
    )


# --- Answers to try the checks with: one that must pass, and some that must not ---


def digits(seed: int) -> Data:
    """Return images for a teacher: digits, of which each seed draws 300."""
    return load_data("digits").subset(train=300, test=60, seed=seed)


def _soft(student, teacher, student_heat, teacher_heat):
    p = F.log_softmax(student / student_heat, dim=1)
    q = F.softmax(teacher / teacher_heat, dim=1)
    return (q * (q.log() - p)).sum(1).mean()


def _mixed(student, teacher, labels, alpha, soft):
    return (1 - alpha) * F.cross_entropy(student, labels) + alpha * soft


def _my_distillation(student, teacher, labels, temperature, alpha):
    soft = temperature**2 * _soft(student, teacher, temperature, temperature)
    return _mixed(student, teacher, labels, alpha, soft)


def _without_square(student, teacher, labels, temperature, alpha):
    soft = _soft(student, teacher, temperature, temperature)
    return _mixed(student, teacher, labels, alpha, soft)


def _mean_over_classes(student, teacher, labels, temperature, alpha):
    soft = temperature**2 * _soft(student, teacher, temperature, temperature)
    return _mixed(student, teacher, labels, alpha, soft / student.shape[1])


def _the_other_way(student, teacher, labels, temperature, alpha):
    soft = temperature**2 * _soft(teacher, student, temperature, temperature)
    return _mixed(student, teacher, labels, alpha, soft)


def _teacher_alone(student, teacher, labels, temperature, alpha):
    soft = temperature**2 * _soft(student, teacher, 1, temperature)
    return _mixed(student, teacher, labels, alpha, soft)


def _student_alone(student, teacher, labels, temperature, alpha):
    soft = temperature**2 * _soft(student, teacher, temperature, 1)
    return _mixed(student, teacher, labels, alpha, soft)


def _exchanged(student, teacher, labels, temperature, alpha):
    return _my_distillation(student, teacher, labels, temperature, 1 - alpha)


def _cross_entropies(student, teacher, labels, temperature, alpha):
    q = F.softmax(teacher / temperature, dim=1)
    soft = temperature**2 * F.cross_entropy(student / temperature, q)
    return _mixed(student, teacher, labels, alpha, soft)


def _hard_softened(student, teacher, labels, temperature, alpha):
    soft = temperature**2 * _soft(student, teacher, temperature, temperature)
    return (1 - alpha) * F.cross_entropy(student / temperature, labels) + alpha * soft


def _with_teacher(
    baseline: Recipe,
    teacher: Teacher,
    data: Data,
    seeds: Sequence[int],
    temperature: float = 4.0,
    alpha: float = 0.9,
) -> StudyResult:
    taught = replace(baseline, objective=Distillation(teacher, temperature, alpha))
    return study({"alone": baseline, "taught": taught}, data, seeds, train=with_teacher)


GAIN = OwnInterval(
    _with_teacher,
    "Hand both recipes to `study` with the data, the seeds and `train=setting.with_teacher`, and "
    "read the difference of the one with a teacher: `.low` and `.high`.",
    trick="the taught",
    others={
        "That is another T or α: the exercise asks for T = 4 and α = 0.9.": partial(
            _with_teacher, temperature=1.0, alpha=0.5
        )
    },
)


def _soft_gradient(student_logits, teacher_logits, temperature):
    p, q = (F.softmax(z / temperature, dim=1) for z in (student_logits, teacher_logits))
    return temperature * (p - q) / len(p)


def _in_the_form_of_he(alpha):
    return alpha / (1 - alpha), 1 - alpha


RIGHT = {
    1: (SOFTENED, ASKED),
    2: _my_distillation,
    3: GAIN.right,
    4: _soft_gradient,
    5: _in_the_form_of_he,
}

WRONG = {
    1: [
        (([0.784, 0.588, 0.196], ASKED), "must sum to 1"),
        (([16 / 26, 9 / 26, 1 / 26], ASKED), "divide the logits"),
        (([256 / 338, 81 / 338, 1 / 338], ASKED), "became sharper"),
        (([0.5, 0.3, 0.2], ASKED), "square root"),
        ((SOFTENED, [0.0615, 0.9346, 0.0038]), "weights are exchanged"),
        ((SOFTENED, [0.6538, 0.3115, 0.0346]), "the second of the three"),
        ((SOFTENED, [0.45, 0.4375, 0.1125]), "here T is 1"),
        ((SOFTENED, [0.3, 0.6, 0.1]), "class by class"),
    ],
    2: [
        (_without_square, "The factor T² is missing"),
        (_mean_over_classes, "K times too small"),
        (_the_other_way, "the other way round"),
        (_teacher_alone, "yours the teacher alone"),
        (_student_alone, "yours the student alone"),
        (_exchanged, "yours are exchanged"),
        (_cross_entropies, "the teacher's own entropy"),
        (_hard_softened, "taken at T = 1"),
        (lambda *task: len(task[2]) * _my_distillation(*task), "take their mean"),
        (lambda *task: _my_distillation(*task) + 1, "times the cross-entropy"),
        (lambda *task: _my_distillation(*task).detach(), "has no gradient"),
        (lambda *task: None, "is there a `return`?"),
    ],
    3: GAIN.wrong,
    4: [
        (lambda z, r, T: _soft_gradient(z, r, T) / T**2, "without T²"),
        (lambda z, r, T: _soft_gradient(z, r, T) * T, "The factor is T"),
        (lambda z, r, T: -_soft_gradient(z, r, T), "The sign"),
        (lambda z, r, T: _soft_gradient(z, r, T) * len(z), "divide by their number"),
        (
            lambda z, r, T: (z - z.mean(1, keepdim=True) - r + r.mean(1, keepdim=True)) / z.numel(),
            "the limit for a large T",
        ),
        (lambda z, r, T: z - r, "T times the difference"),
    ],
    5: [
        (lambda alpha: (alpha, 1 - alpha), "over that of the label's"),
        (lambda alpha: ((1 - alpha) / alpha, 1 - alpha), "turned round"),
        (lambda alpha: (alpha / (1 - alpha), 1 / (1 - alpha)), "before the label's term"),
        (lambda alpha: (1.0, 0.5), "Take (1 - α) out"),
    ],
}
