"""What the chapters measure, and the list of chapters."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from types import ModuleType

from ..augment import Cutout
from ..lab.study import Difference
from ..mix import Mixup
from ..objectives import LabelSmoothingLoss, supervised
from ..optimizers import adabound as adabound_optimizer  # studies/adabound.py has that name here
from ..recipe import Recipe
from ..schedules import cosine_decay, gradual_warmup, linear_decay
from .plan import RESULTS as RESULTS
from .plan import StudyPlan as StudyPlan

METRICS = {
    "accuracy": "test accuracy",
    "nll": "test negative log-likelihood (nats)",
    "ece": "calibration error",
    "train_loss": "training loss (nats)",
}
"""What the figures of a study are called in a sentence."""


@dataclass(frozen=True)
class Chapter:
    """An entry of the course.

    Args:
        number: place in the course.
        slug: one name for module, notebook, solutions and results.
        title: what the page is called.
        claim: what is said of the trick, in a sentence; the study says whether it holds here.
        written: whether the chapter exists yet.
        arm: the arm of the study whose verdict stands for the chapter; None if there is none.
        metric: the figure that the verdict is about.
        setting: where the verdict was found, in a few words.
        before: what a reader should know.
        line: the code that switches the trick on.
        minutes: time to read the chapter.
        seconds: time to run it on two CPU cores.
    """

    number: int
    slug: str
    title: str
    claim: str
    written: bool = False
    arm: str | None = None
    metric: str = "accuracy"
    setting: str = ""
    before: str = ""
    line: str = ""
    minutes: int = 0
    seconds: int = 0

    @property
    def notebook(self) -> str:
        """Path of the notebook in the repository."""
        return f"notebooks/{self.number:02d}_{self.slug}.ipynb"

    @property
    def module(self) -> ModuleType:
        """The chapter's file in `studies/`."""
        return import_module(f"{__name__}.{self.slug}")

    @property
    def plan(self) -> StudyPlan:
        """What the chapter measures."""
        return self.module.PLAN

    def difference(self) -> Difference:
        """Compare the chapter's arm with its baseline, in the recorded study."""
        return self.plan.recorded().difference(self.arm, self.metric)

    def verdict(self) -> str:
        """Say in a line what the recorded study found: verdict, interval, seeds, setting."""
        gap = self.difference()
        name = METRICS[self.metric]
        return f"{gap.verdict}: {gap} of {name}, {len(gap.values)} seeds; {self.setting}"


CHAPTERS = [
    Chapter(
        0,
        "baseline",
        "Measuring a trick",
        "A difference between two runs means nothing until you know how far one seed moves it.",
        written=True,
        before="Python, and that a network is trained by gradient descent.",
        line="study({'baseline': baseline, 'trick': replace(baseline, ...)}, data, seeds=20)",
        minutes=40,
        seconds=60,
    ),
    Chapter(
        1,
        "warmup",
        "Warmup",
        "A small learning rate for the first steps lets a large one work afterwards.",
        written=True,
        arm="gradual warmup",
        metric="accuracy",
        setting="batch 128 at 16 times the rate, 4 epochs",
        before="Chapter 00; derivatives.",
        line="replace(baseline, schedule=gradual_warmup(length=1, then=linear_decay(length=9)))",
        minutes=45,
        seconds=60,
    ),
    Chapter(
        2,
        "linear_scaling",
        "Linear scaling",
        "With k times the batch and k times the rate, a k-th of the steps learn as much.",
        written=True,
        arm="512, linear + warmup",
        metric="train_loss",
        setting="batch 512 at 16 times the rate of batch 32, against that rate; 32 stays ahead",
        before="Chapters 00 and 01; mean and variance.",
        line="replace(baseline, batch_size=512, lr=linear_scaling(0.1, 512, reference=128))",
        minutes=50,
        seconds=60,
    ),
    Chapter(
        3,
        "decay",
        "Step, cosine, restarts",
        "A rate that falls ends in a better place.",
        written=True,
        arm="cosine, 15 epochs",
        metric="accuracy",
        setting="cosine against a constant rate, both tuned, 15 epochs",
        before="Chapters 00 and 01; sums and a derivative.",
        line="replace(baseline, schedule=cosine_decay(length=10))",
        minutes=45,
        seconds=60,
    ),
    Chapter(
        4,
        "adabound",
        "AdaBound, read critically",
        "Start as Adam, end as SGD: as fast as the one, as good as the other.",
        written=True,
        arm="AdaBound, tuned",
        metric="accuracy",
        setting="against SGD, eight tries to tune each, 1,000 steps",
        before="Chapters 00 and 01; momentum.",
        line="replace(baseline, lr=0.001, optimizer=partial(adabound, final_lr=0.1))",
        minutes=50,
        seconds=60,
    ),
    Chapter(
        5,
        "label_smoothing",
        "Label smoothing",
        "Targets that leave a little to every class make a network honest about its doubts.",
        written=True,
        arm="ε = 0.1",
        metric="ece",
        setting="a perceptron that learnt 1,000 images by heart; an honest network it makes worse",
        before="Chapters 00 and 01; logarithms.",
        line="replace(baseline, objective=supervised(LabelSmoothingLoss(epsilon=0.1)))",
        minutes=50,
        seconds=60,
    ),
    Chapter(6, "distillation", "Knowledge distillation", "Learn from a teacher's doubts."),
    Chapter(
        7,
        "cutout",
        "Cutout",
        "Hide a square of every image, and the network learns the rest.",
        written=True,
        arm="cutout 14",
        metric="accuracy",
        setting="whole test images, 12 epochs; after 48, and where a square hides a part, it helps",
        before="Chapters 00 and 01; sums and probabilities.",
        line="replace(baseline, augment=Cutout(size=14))",
        minutes=50,
        seconds=60,
    ),
    Chapter(8, "random_erasing", "Random Erasing", "Hide a rectangle of any size."),
    Chapter(
        9,
        "mixup",
        "Mixup",
        "Trained on blends of two images and their labels, a network does better on whole ones.",
        written=True,
        arm="mixup 1, 64 epochs",
        metric="accuracy",
        setting="1,000 images, 64 epochs; after 4 epochs it hurts",
        before="Chapters 00 and 01; expectations; 05 helps.",
        line="replace(baseline, mix=Mixup(alpha=1.0))",
        minutes=50,
        seconds=60,
    ),
    Chapter(10, "ricap", "RICAP", "Patch four crops into one image."),
    Chapter(11, "autoaugment", "AutoAugment", "Let a search choose the augmentation."),
    Chapter(12, "weight_decay", "Weight decay", "Keep the weights small."),
    Chapter(13, "dropout", "Dropout", "Switch units off at random."),
    Chapter(14, "early_stopping", "Early stopping", "Stop when validation stops improving."),
    Chapter(15, "geometry_and_color", "Crop, mirror, rotate, recolour", "Show every image anew."),
    Chapter(16, "initialization", "Initialisation", "Start where signals neither grow nor fade."),
]
"""The course in order; chapters not yet written are on the landing page as planned."""

TRICKS: dict[str, Callable[[Recipe], Recipe]] = {
    "warmup": lambda recipe: replace(
        recipe, schedule=gradual_warmup(0.1 * recipe.epochs, linear_decay(0.9 * recipe.epochs))
    ),
    "decay": lambda recipe: replace(recipe, schedule=cosine_decay(recipe.epochs)),
    "label_smoothing": lambda recipe: replace(
        recipe, objective=supervised(LabelSmoothingLoss(epsilon=0.1))
    ),
    # A quarter of the side of 32 pixels: the paper's size for many classes, and a cautious one.
    "cutout": lambda recipe: replace(recipe, augment=Cutout(size=8)),
    "mixup": lambda recipe: replace(recipe, mix=Mixup(alpha=1.0)),
    # A limit that ends as the recipe's own SGD, of momentum 0.9: see chapter 04.
    "adabound": lambda recipe: replace(
        recipe,
        lr=1e-3,
        optimizer=partial(adabound_optimizer, final_lr=10 * recipe.lr, weight_decay=5e-4),
    ),
}
"""The line that switches each trick on, for `python -m tricks_lib study --data PATH --tricks …`.
Linear scaling is not among them: it is a rule for the rate of another batch, not a switch."""
