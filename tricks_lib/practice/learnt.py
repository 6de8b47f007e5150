"""Did the network learn? Before that, no trick can be judged by it.

Chapter: notebooks/20_own_images.ipynb
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy import stats

from ..lab.data import Data, Split
from ..lab.study import ACCURACY, StudyResult
from ..lab.study.finding import mean_and_spread
from .measure import BALANCED_ACCURACY, TRAIN_ACCURACY, VALIDATION_ACCURACY

__all__ = ["Learnt", "figures_of", "has_learnt"]

LEVEL = 0.05
"""How often somebody who only guesses may be taken for one who has learnt."""

UNBALANCED = 1.5
"""From so many times its fair share on, the commonest class is worth a word."""

DRAWS = 1999
"""Sets of answers that are drawn anew, to see what luck does."""

BEHIND = 0.02
"""What a network must be behind the frozen one, or its own training images, to be told so."""


@dataclass(frozen=True)
class Learnt:
    """Whether the baseline learnt, with the numbers that say so. Accuracies are means over runs.

    Args:
        yes: whether it did: it answers more test images rightly than whoever names one class for
            all of them, more than chance explains; or, where classes are unbalanced, the mean of
            its recalls is more than whoever names one class has.
        runs: runs of the baseline.
        diverged: those of them that gave no finite number.
        failed: those that were not better than one class on their own.
        test: test accuracy; NaN if every run diverged.
        train: training accuracy; None where it was not kept.
        validation: validation accuracy; None where there is none.
        balanced: mean recall over the classes; None where it was not kept.
        commonest: the class with the most test images.
        share: how much naming it for all test images gets right.
        train_share: how much naming one class for all training images gets right.
        images: test images.
        needed: the smallest test accuracy that is clearly better than naming one class; above 1
            where so few images cannot show it.
        unbalanced: whether the commonest class has more than 1.5 times its fair share.
        frozen: accuracy of a linear classifier on a frozen pretrained network, if known.
        reason: why, in a sentence or two.
        advice: what to change, or what to keep in mind.
    """

    yes: bool
    runs: int
    diverged: int
    failed: int
    test: float
    train: float | None
    validation: float | None
    balanced: float | None
    commonest: str
    share: float
    train_share: float
    images: int
    needed: float
    unbalanced: bool
    frozen: float | None
    reason: str = ""
    advice: tuple[str, ...] = ()

    @property
    def answer(self) -> str:
        """Yes or no, in a sentence."""
        return (
            "The baseline has learnt." if self.yes else "The baseline has not learnt: no verdict."
        )

    @property
    def compared(self) -> str:
        """Its numbers beside those that are to be had for nothing."""
        if math.isnan(self.test):
            return f"Every one of the {self.runs} runs of the baseline diverged."
        told = f"The baseline is right on {ACCURACY.show(self.test)} of the test images"
        if self.train is not None:
            told += f" and {ACCURACY.show(self.train)} of the training images"
        told += (
            f"; naming one class for all of them is right on {ACCURACY.show(self.share)}"
            + (f" and {ACCURACY.show(self.train_share)}" if self.train is not None else "")
            + "."
        )
        if self.unbalanced and self.balanced is not None:
            told += (
                f" The classes are unbalanced: {self.commonest} has {ACCURACY.show(self.share)} of "
                "the test images. Averaged over the classes, the baseline is right on "
                f"{ACCURACY.show(self.balanced)}."
            )
        if self.frozen is not None:
            told += (
                " A linear classifier on a frozen pretrained network is right on "
                f"{ACCURACY.show(self.frozen)}."
            )
        return told

    def __str__(self) -> str:
        """Return the numbers, the answer, the reason and the advice."""
        parts = (self.compared, self.answer, self.reason, *self.advice)
        return " ".join(part for part in parts if part)


def has_learnt(result: StudyResult, data: Data, frozen: float | None = None) -> Learnt:
    """Say whether the baseline of a study learnt.

    Args:
        result: the study; best of runs that were measured by `with_details`.
        data: what it was made on.
        frozen: test accuracy of a linear classifier on a frozen pretrained network, if known.
    """
    arm = result.baseline
    tests = figures_of(result, arm, ACCURACY.name)
    counts = data.test.labels.bincount(minlength=data.num_classes)
    test, share = mean_and_spread(tests)[0], _commonest(data.test)
    fair = 1 / int((counts > 0).sum())
    unbalanced = share > UNBALANCED * fair
    beats = not math.isnan(test) and _beats_one_class(test, data.test)
    learnt = Learnt(
        yes=beats or (unbalanced and _tells_apart(result, arm)),
        runs=len(result.runs[arm]),
        diverged=len(result.runs[arm]) - len(tests),
        failed=sum(not _beats_one_class(accuracy, data.test) for accuracy in tests),
        test=test,
        train=_average(figures_of(result, arm, TRAIN_ACCURACY.name)),
        validation=_average(figures_of(result, arm, VALIDATION_ACCURACY.name)),
        balanced=_average(figures_of(result, arm, BALANCED_ACCURACY.name)),
        commonest=data.classes[int(counts.argmax())],
        share=share,
        train_share=_commonest(data.train),
        images=len(data.test),
        needed=_needed(data.test),
        unbalanced=unbalanced,
        frozen=frozen,
    )
    by_heart = learnt.train is not None and _beats_one_class(learnt.train, data.train)
    reason, advice = _told(learnt, beats, by_heart) if learnt.yes else _refused(learnt, by_heart)
    return replace(learnt, reason=reason, advice=advice)


def figures_of(result: StudyResult, arm: str, metric: str) -> list:
    """Return one metric of every run of an arm that has it, by seed; none where it was not kept."""
    runs = [result.runs[arm][seed] for seed in sorted(result.runs[arm])]
    return [run[metric] for run in runs if run is not None and run.get(metric) is not None]


def _average(values: list[float]) -> float | None:
    return mean_and_spread(values)[0] if values else None


def _refused(learnt: Learnt, by_heart: bool) -> tuple[str, tuple[str, ...]]:
    """Say why there is no verdict, and what to change."""
    if math.isnan(learnt.test):
        return "No run came to its end.", (
            "Try a learning rate ten times smaller (--lr), or one that rises slowly at first.",
        )
    reason = "On the test images that is not clearly better than naming one class."
    advice = []
    if learnt.needed > 1:
        advice.append(
            f"So few test images ({learnt.images}) cannot show that anything was learnt: "
            "set more of them aside."
        )
    elif by_heart:
        advice.append(
            "It has learnt about its training images only: it needs more of them, or a network "
            "that has seen many others (--pretrained)."
        )
    else:
        advice.append(
            "It has not even learnt its training images: try more epochs (--epochs), or a learning "
            "rate (--lr) ten times smaller or larger."
        )
    if learnt.frozen is not None and learnt.frozen >= learnt.needed:
        advice.append(
            "The images can be told apart, as the frozen network shows: start from it "
            "(--pretrained)."
        )
    elif learnt.frozen is not None:
        advice.append(
            "The frozen network cannot tell them apart either: look at some images and "
            "their labels."
        )
    if learnt.unbalanced:
        advice.append(
            f"Most images are of {learnt.commonest}: more images of the other classes tell more "
            "than any trick."
        )
    if learnt.diverged:
        advice.append(
            f"{learnt.diverged} of its {learnt.runs} runs diverged: a smaller learning rate (--lr) "
            "may mend both."
        )
    return reason, tuple(advice)


def _told(learnt: Learnt, beats: bool, by_heart: bool) -> tuple[str, tuple[str, ...]]:
    """Say in what way it has learnt, and what to keep in mind."""
    reason = ""
    if not beats:
        reason = (
            "It is not right more often than whoever names one class, but it tells the classes "
            "apart: look at the table by class more than at the accuracy."
        )
    advice = []
    if beats and learnt.failed:
        advice.append(
            f"{learnt.failed} of its {learnt.runs} runs, taken alone, are not clearly better than "
            "naming one class: more epochs (--epochs) or a smaller learning rate (--lr) would make "
            "them alike, and the intervals narrower."
        )
    if learnt.diverged:
        advice.append(
            f"{learnt.diverged} of its {learnt.runs} runs diverged: compare tricks with a baseline "
            "that trains every time, at a smaller learning rate (--lr)."
        )
    if learnt.frozen is not None and learnt.frozen > learnt.test + BEHIND:
        advice.append(
            "The frozen pretrained network knows more: start from it (--pretrained) before you "
            "look for tricks. What is found with this network may not hold with a better one."
        )
    if learnt.train is not None and beats and by_heart:
        if learnt.train < 0.9 and learnt.train < learnt.test + BEHIND:
            advice.append(
                "It does no better on its training images than on others: it under-fits, and more "
                "epochs (--epochs) or a larger network may do more than a trick."
            )
        elif learnt.train > learnt.test + 5 * BEHIND:
            advice.append(
                "It is far better on its training images than on others: it over-fits, which is "
                "what augmentation, mixing and more images are for."
            )
    return reason, tuple(advice)


def _commonest(split: Split) -> float:
    """Return the share of the class with the most images."""
    return int(split.labels.bincount().max()) / len(split)


def _beats_one_class(accuracy: float, split: Split) -> bool:
    """Tell whether guesses as good as naming one class get such an accuracy in under 5 %."""
    hits = round(accuracy * len(split))
    return bool(stats.binom.sf(hits - 1, len(split), _commonest(split)) < LEVEL)


def _needed(split: Split) -> float:
    """Return the smallest accuracy that beats one class; above 1 if none does."""
    # isf gives the smallest k with P(X > k) at most the level; with more hits than that it is rare.
    return (int(stats.binom.isf(LEVEL, len(split), _commonest(split))) + 1) / len(split)


def _tells_apart(result: StudyResult, arm: str) -> bool:
    """Tell whether the mean recall is more than that of answers that know nothing of the image.

    Answers drawn anew, as often each as they were given, seldom have so high a one (a permutation
    test). The run in the middle speaks for all.
    """
    found = [np.asarray(confusion) for confusion in figures_of(result, arm, "confusion")]
    if not found:
        return False
    confusion = sorted(found, key=mean_recall)[(len(found) - 1) // 2]
    drawn = stats.random_table.rvs(
        confusion.sum(axis=1), confusion.sum(axis=0), size=DRAWS, random_state=0
    )
    lucky = (mean_recall(drawn) >= mean_recall(confusion)).sum()
    return bool((1 + lucky) / (1 + DRAWS) < LEVEL)


def mean_recall(confusion: np.ndarray) -> np.ndarray:
    """Return the mean over the classes of the share of their images that is answered rightly.

    Args:
        confusion: how many images of each class (rows) were taken for which, (..., K, K).
    """
    images = confusion.sum(axis=-1)
    right = np.diagonal(confusion, axis1=-2, axis2=-1)
    recall: np.ndarray = np.where(images > 0, right / np.maximum(images, 1), 0)
    return recall.sum(axis=-1) / (images > 0).sum(axis=-1)
