"""Distillation with few labels: a teacher that saw more images, and what else could do its work.

Each seed shuffles the 10,000 images of the pool. The student has the labels of the first 300, and
1,000 further ones are for choices. The teacher, a perceptron with six times the weights, is trained
on the labels of another 4,000. A further 3,700 are nobody's: their labels are used in one arm
alone, which says what they would have been worth.

The teacher is trained by the plan itself, once for each seed. Its recipe and its images stand in
the objective of the student, and so in the record: another teacher is another question.

Chapter: notebooks/06_distillation.ipynb
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import cache, lru_cache, partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from tricks_lib.course.plan import Headline, StudyPlan
from tricks_lib.lab.data import Data, Split, load_data
from tricks_lib.lab.metrics import best_temperature, predict, score
from tricks_lib.lab.study import STANDARD, Figures, Metric, OwnImages, final_metrics
from tricks_lib.lab.train import Run, fit
from tricks_lib.models import mlp
from tricks_lib.objectives import Distillation, LabelSmoothingLoss, supervised
from tricks_lib.recipe import Recipe
from tricks_lib.schedules import linear_decay

RESULTS = Path(__file__).with_name("results")

LABELLED, VALIDATION, TAUGHT, FURTHER = 300, 1000, 4000, 3700
"""Images of the student, for choices, of the teacher, and without labels."""

EPOCHS, LONG = 30, 615
"""Passes over the student's 300 images; and as many as cost the same as all that distillation
needs: the teacher's training, its answers, and the student's training. A test counts both."""

RATES = (0.00625, 0.0125, 0.025, 0.05, 0.1, 0.2)
"""Learning rates that are tried, for each of the three groups."""

LR, LR_LONG, LR_TAUGHT = 0.1, 0.0125, 0.025
"""Learning rates of the student alone, trained for long, and with a teacher, whose loss is steeper:
the best of the recorded search."""


@cache
def pool() -> Data:
    """Load the 10,000 images from which each seed draws, and the 5,000 to judge by (test)."""
    return load_data("fashion-mini")


MINE = OwnImages(pool, train=LABELLED, validation=VALIDATION)


def in_order(seed: int, first: int, last: int) -> Split:
    """Return the images of the pool from one place to another, in the order of a seed."""
    return pool().subset(train=last, seed=seed).train.pick(torch.arange(first, last))


def of_the_teacher(seed: int) -> Data:
    """Return the 4,000 images that the teacher learns from; none of them is the student's."""
    first = LABELLED + VALIDATION
    return replace(pool(), train=in_order(seed, first, first + TAUGHT))


def with_further(seed: int) -> Data:
    """Return the student's 300 images and the 3,700 that are nobody's."""
    mine, first = MINE(seed), LABELLED + VALIDATION + TAUGHT
    more = in_order(seed, first, first + FURTHER)
    both = Split(
        torch.cat([mine.train.images, more.images]), torch.cat([mine.train.labels, more.labels])
    )
    return replace(mine, train=both)


OTHER_START = 1000
"""How far the seed of a teacher's weights and batches is from that of its student's."""


@dataclass(frozen=True)
class Teacher:
    """A teacher that is not trained yet: what it is, as text can say it.

    Args:
        recipe: how it is trained.
        images: seed -> what it is trained on.
    """

    recipe: Recipe
    images: Callable[[int], Data]

    def of_seed(self, seed: int, device: torch.device) -> nn.Module:
        """Train it, or return the network that this very teacher became with this seed."""
        return _trained(self, seed, device)

    def __call__(self, images: Tensor) -> Tensor:
        """Say what to do first."""
        raise ValueError("this teacher is not trained yet: train the recipe with `with_teacher`")


@lru_cache(maxsize=8)
def _trained(teacher: Teacher, seed: int, device: torch.device) -> nn.Module:
    """Train a teacher, from another start than the student's. What is kept is found by the whole
    recipe, the images and the seed."""
    start = OTHER_START + seed
    return fit(teacher.recipe, teacher.images(seed), seed=start, device=device).model


@dataclass(frozen=True)
class Answers:
    """The objective of a student that has no labels: the class that a teacher names, for certain.

    Args:
        teacher: images -> logits.
    """

    teacher: Callable[[Tensor], Tensor]

    def __call__(self, model: nn.Module, images: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return the cross-entropy with the teacher's classes, and the student's logits."""
        with torch.no_grad():
            named = self.teacher(images).argmax(dim=1)
        logits = model(images)
        return nn.functional.cross_entropy(logits, named), logits


def with_teacher(recipe: Recipe, data: Data, *, seed: int, device: torch.device, **how: Any) -> Run:
    """Train the teacher of this seed, if the recipe has one, then the student."""
    objective = recipe.objective
    if isinstance(objective, Distillation | Answers) and isinstance(objective.teacher, Teacher):
        network = objective.teacher.of_seed(seed, device)
        recipe = replace(recipe, objective=replace(objective, teacher=network))
    return fit(recipe, data, seed=seed, device=device, **how)


def on_further(recipe: Recipe, data: Data, *, seed: int, device: torch.device, **how: Any) -> Run:
    """Do as `with_teacher`, on the student's 300 images and the 3,700 that are nobody's."""
    more = replace(data, train=with_further(seed).train.to(device))
    return with_teacher(recipe, more, seed=seed, device=device, **how)


def on_the_teachers(
    recipe: Recipe, data: Data, *, seed: int, device: torch.device, **how: Any
) -> Run:
    """Do as `with_teacher`, on the very images that the teacher learns from."""
    same = replace(data, train=of_the_teacher(seed).train.to(device))
    return with_teacher(recipe, same, seed=seed, device=device, **how)


TEMPERED, TAUGHT_BY = "_tempered", "_teacher"
"""Endings of the metrics at the best temperature, and of those of the teacher."""


def beside_the_teacher(run: Run, data: Data) -> Figures:
    """Keep the metrics on test images; the same at the temperature that is best on validation
    images; those of the teacher, and how often the student names the same class; and the accuracy
    on the student's 300 images."""
    logits, labels = predict(run.model, data), data.test.labels
    held = data.splits["validation"].labels
    temperature = best_temperature(predict(run.model, data, "validation"), held)
    figures = final_metrics(run, data) | {
        "temperature": temperature,
        "train_accuracy": score(predict(run.model, data, "train"), data.train.labels).accuracy,
        **of(score(logits / temperature, labels), TEMPERED),
    }
    teacher = getattr(run.recipe.objective, "teacher", None)
    if teacher is not None:
        answers = predict(teacher, data)
        figures |= of(score(answers, labels), TAUGHT_BY)
        same = answers.argmax(dim=1) == logits.argmax(dim=1)
        figures["agreement"] = same.float().mean().item()
    return figures


def of(metrics: Any, ending: str) -> Figures:
    """Return metrics under their names with an ending."""
    return {f"{name}{ending}": value for name, value in asdict(metrics).items()}


METRICS = (
    *STANDARD,
    Metric("temperature", "best temperature"),
    Metric("train_accuracy", "accuracy on the training images", unit="points"),
)

TINY, SMALL, WIDE = (16,), (128, 128), (512, 512)
"""Hidden layers of a student too small, of the student, and of the teacher."""


def recipe(
    epochs: int, lr: float, hidden: tuple[int, ...] = SMALL, batch_size: int = 50, **slots
) -> Recipe:
    """Return the recipe that all networks share."""
    return Recipe(
        epochs=epochs,
        batch_size=batch_size,
        lr=lr,
        model=partial(mlp, hidden=hidden),
        schedule=linear_decay(epochs),
        **slots,
    )


SOFTENED = supervised(LabelSmoothingLoss(0.1))

TEACHERS_EPOCHS, TEACHERS_LR = 6, 0.1


def teacher(hidden: tuple[int, ...] = WIDE, **slots) -> Teacher:
    """Return a teacher that learns from 4,000 images."""
    how = recipe(TEACHERS_EPOCHS, TEACHERS_LR, hidden, batch_size=100, **slots)
    return Teacher(how, of_the_teacher)


GOOD, AS_SMALL, SMOOTHED = teacher(), teacher(SMALL), teacher(objective=SOFTENED)
NO_WISER = Teacher(recipe(EPOCHS, LR), MINE)


def student(
    teacher: Teacher, temperature: float = 4.0, alpha: float = 0.9, lr: float = LR_TAUGHT
) -> Recipe:
    """Return the recipe of a student with the course's T and α, or with others."""
    return recipe(EPOCHS, lr, objective=Distillation(teacher, temperature, alpha))


def tried(group: str, lr: float) -> str:
    """Return what an arm of the search is called."""
    return f"{group}, lr {lr}"


SHORT_TRY, LONG_TRY, TAUGHT_TRY = "300 labels", f"300 labels, {LONG} epochs", "a teacher"

SEARCH = StudyPlan(
    path=RESULTS / "distillation-search.jsonl",
    recipes={
        tried(group, lr): make(lr)
        for group, make in (
            (SHORT_TRY, partial(recipe, EPOCHS)),
            (TAUGHT_TRY, partial(student, GOOD, 4.0, 0.9)),
            (LONG_TRY, partial(recipe, LONG)),
        )
        for lr in RATES
    },
    data=MINE,
    seeds=(100, 101),
    on="validation",
    train=with_teacher,
)
"""As many tries for the student with a teacher, and for the long runs, as for the student alone."""

ALONE = "300 labels alone"
TEACHER = "a teacher, T = 4"
LONGER = "300 labels, the same compute"
SMOOTH = "label smoothing"
TEMPERATURE = "300 labels, a temperature"
AS_SMALL_AS = "a teacher of the student's size"
NO_MORE = "a teacher that saw no more"
HOT, COLD = "a teacher, T = 20", "a teacher, T = 1"
SMOOTHED_4, SMOOTHED_1 = "a smoothed teacher, T = 4", "a smoothed teacher, T = 1"
ITSELF, SMALL_ITSELF = "the teacher itself", "the teacher of the student's size itself"
SMOOTHED_ITSELF = "the smoothed teacher itself"

LABELS, SOFT, HARD = "4,000 labels", "4,000 images, soft targets", "4,000 images, hard targets"

MORE = StudyPlan(
    path=RESULTS / "distillation-more.jsonl",
    recipes={
        LABELS: recipe(5, LR),
        SOFT: recipe(5, LR_TAUGHT, objective=Distillation(GOOD, temperature=4.0, alpha=1.0)),
        HARD: recipe(5, LR, objective=Answers(GOOD)),
    },
    data=MINE,
    seeds=10,
    measure=beside_the_teacher,
    metrics=METRICS,
    train=on_further,
    headline=Headline(
        SOFT, "accuracy", "4,000 images without labels: against the classes it names", against=HARD
    ),
    rivals=(Headline(SOFT, "accuracy", "the labels of the same images", against=LABELS),),
)
"""The teacher's answers for images without labels, and what the labels would have been worth."""

TINY_ALONE, TINY_TAUGHT = "a tiny student, 4,000 labels", "a tiny student, a teacher, T = 4"
TINY_COLD, TINY_LONGER = "a tiny student, a teacher, T = 1", "a tiny student, twice the epochs"


def tiny(epochs: int, lr: float, **slots) -> Recipe:
    """Return the recipe of a student with 16 hidden units, trained in batches like the teacher."""
    return recipe(epochs, lr, TINY, batch_size=100, **slots)


ENOUGH = StudyPlan(
    path=RESULTS / "distillation-enough.jsonl",
    recipes={
        TINY_ALONE: tiny(10, LR),
        TINY_TAUGHT: tiny(10, LR_TAUGHT, objective=Distillation(GOOD, 4.0, 0.9)),
        TINY_COLD: tiny(10, LR_TAUGHT, objective=Distillation(GOOD, 1.0, 0.9)),
        TINY_LONGER: tiny(20, LR),
    },
    data=MINE,
    seeds=10,
    measure=beside_the_teacher,
    metrics=METRICS,
    train=on_the_teachers,
    headline=Headline(
        TINY_TAUGHT, "accuracy", "a student of 16 hidden units that has the teacher's 4,000 labels"
    ),
    rivals=(Headline(TINY_TAUGHT, "accuracy", "twice the epochs", against=TINY_LONGER),),
)
"""A student that is too small for its images, and has as many labels as its teacher."""

HEATED: dict[str, Recipe] = {
    TEACHER: student(GOOD),
    COLD: student(GOOD, temperature=1.0),
    HOT: student(GOOD, temperature=20.0),
    SMOOTHED_4: student(SMOOTHED),
    SMOOTHED_1: student(SMOOTHED, temperature=1.0),
}
"""Temperatures, with either teacher."""

AGAIN = StudyPlan(
    path=RESULTS / "distillation-again.jsonl",
    recipes=HEATED,
    data=MINE,
    seeds=range(10, 20),
    measure=beside_the_teacher,
    metrics=METRICS,
    train=with_teacher,
)
"""The temperatures with ten further seeds, since some of the first ten's intervals only just left
zero out."""

PLAN = StudyPlan(
    path=RESULTS / "distillation.jsonl",
    recipes={
        ALONE: recipe(EPOCHS, LR),
        TEACHER: student(GOOD),
        LONGER: recipe(LONG, LR_LONG),
        SMOOTH: recipe(EPOCHS, LR, objective=SOFTENED),
        COLD: student(GOOD, temperature=1.0),
        HOT: student(GOOD, temperature=20.0),
        AS_SMALL_AS: student(AS_SMALL),
        NO_MORE: student(NO_WISER),
        SMOOTHED_4: student(SMOOTHED),
        SMOOTHED_1: student(SMOOTHED, temperature=1.0),
    },
    data=MINE,
    seeds=10,
    measure=beside_the_teacher,
    metrics=METRICS,
    train=with_teacher,
    headline=Headline(
        TEACHER, "accuracy", "300 labelled images and a teacher that saw 4,000 others"
    ),
    rivals=(
        Headline(TEACHER, "accuracy", "the same compute spent on training longer", against=LONGER),
        Headline(TEACHER, "accuracy", "label smoothing", against=SMOOTH),
        Headline(TEACHER, "accuracy", "a teacher that saw no more", against=NO_MORE),
        Headline(TEACHER, "accuracy", "a teacher as small as the student", against=AS_SMALL_AS),
        Headline(TEACHER, "nll", "no teacher, a temperature", against=TEMPERATURE),
    ),
    derived={
        TEMPERATURE: (ALONE, TEMPERED),
        ITSELF: (TEACHER, TAUGHT_BY),
        SMALL_ITSELF: (AS_SMALL_AS, TAUGHT_BY),
        SMOOTHED_ITSELF: (SMOOTHED_4, TAUGHT_BY),
    },
    tuning=SEARCH,
    beside=(MORE, ENOUGH, AGAIN),
)
