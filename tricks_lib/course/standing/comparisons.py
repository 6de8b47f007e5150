"""What the standing settings compare for each trick, declared before any arm was run.

One comparison a trick, and one with the cheapest thing that does the same work, its honest rival.
A reader sees all tricks together, so the intervals of all tricks in a setting hold at once
(Bonferroni); and so do those against the rivals. One rival was changed after the runs: label
smoothing stood against 1.5 times the epochs, and now stands against a temperature, in NLL.

Chapter: notebooks/00_baseline.ipynb
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib import import_module

from ...lab.study import Finding, StudyResult
from ..chapter import chapters
from ..plan import StudyPlan

__all__ = [
    "AGAINST",
    "BASELINE",
    "COMPARISONS",
    "SETTINGS",
    "Comparison",
    "comparisons",
    "described",
    "finding",
    "note",
    "plan",
    "result",
    "rival_finding",
]

BASELINE = "baseline"
"""What the first arm of every standing setting is called."""

SETTINGS = ("garments", "colour")
"""The standing settings, by their names."""

ENOUGH = 5
"""Seeds that a finding rests on at least; before, the setting is still being recorded."""


@dataclass(frozen=True)
class Comparison:
    """A trick in the standing settings.

    Args:
        arm: the arm with the trick.
        against: the arm without it.
        rival: the arm that does the same work in the cheapest way; "" if nothing does.
        rival_metric: what the trick and its rival are compared in, where it is not the accuracy: a
            temperature changes none.
        named: what the arm is called where all tricks stand together, in a word or two; by default,
            as the arm.
        notes: what one must know of the arm, by setting, in a few words.
    """

    arm: str
    against: str = BASELINE
    rival: str = ""
    rival_metric: str = "accuracy"
    named: str = ""
    notes: Mapping[str, str] = field(default_factory=dict)


COMPARISONS: Mapping[str, Comparison] = {
    "warmup": Comparison("warmup", rival="half the learning rate"),
    "linear_scaling": Comparison(
        "large batches, scaled",
        against="large batches",
        rival=BASELINE,
        named="linear scaling",
    ),
    "decay": Comparison(
        "cosine decay",
        against="constant learning rate",
        rival="constant learning rate, averaged",
        named="cosine decay",
    ),
    "adabound": Comparison("AdaBound", rival="Adam"),
    "label_smoothing": Comparison("label smoothing", rival="a temperature", rival_metric="nll"),
    "distillation": Comparison(
        "distillation",
        rival="1.5 times the epochs",
        notes=dict.fromkeys(SETTINGS, "at the baseline's learning rate"),
    ),
    "cutout": Comparison("Cutout", rival="crop and mirror"),
    "random_erasing": Comparison("Random Erasing", rival="Cutout"),
    "mixup": Comparison("Mixup", rival="CutMix"),
    "ricap": Comparison("RICAP", rival="CutMix"),
    "autoaugment": Comparison(
        "AutoAugment",
        rival="TrivialAugment",
        notes={"garments": "SVHN's policy", "colour": "CIFAR-10's policy"},
    ),
    "geometry": Comparison("crop and mirror", against="neither crop nor mirror"),
    "color": Comparison("colour shift", rival="PCA colour"),
    "weight_decay": Comparison(
        BASELINE, against="no weight decay", rival="L1 penalty", named="weight decay"
    ),
    "dropout": Comparison("dropout", rival="1.5 times the epochs"),
    "early_stopping": Comparison("early stopping"),
    "initialization": Comparison("He", rival="Xavier", named="He's initialisation"),
    "batch_norm": Comparison(BASELINE, against="no batch norm", named="batch normalisation"),
}
"""By the slug of the chapter."""

AGAINST = (
    "Cosine decay stands against a constant learning rate; linear scaling, with batches of eight "
    "times the size, against the learning rate as it was; crop and mirror, weight decay and batch "
    "normalisation against the network without them; all others against the baseline."
)
"""What is compared with what, where only names stand."""


@cache
def comparisons() -> dict[str, Comparison]:
    """Return those above, and one for every further chapter with a switch: a trick that is added to
    the course enters the standing settings by itself."""
    further = {one.slug: Comparison(one.title) for one in chapters() if one.switch}
    return {**further, **COMPARISONS}


def plan(setting: str) -> StudyPlan:
    """Return the plan of a standing setting, with the arms of chapters that came later.

    Raises:
        ValueError: if there is no such setting.
    """
    if setting not in SETTINGS:
        raise ValueError(f"expected one of {SETTINGS}, got {setting!r}")
    # By name, so that a card does not depend on the code of every trick.
    module, all_arms = (import_module(f"{__package__}.{name}") for name in (setting, "arms"))
    value: StudyPlan = module.SETTING.plan
    base = module.SETTING.best[BASELINE]
    further = all_arms.of_chapters(module.FRAME, base, known=COMPARISONS)
    return replace(value, recipes={**value.recipes, **further})


@cache
def result(setting: str) -> StudyResult | None:
    """Load the runs of a standing setting that there are; None while there are too few."""
    return plan(setting).so_far()


def described(setting: str) -> str:
    """Say what a standing setting is, and how well its baseline knows its own training images and
    the test images: a network that is still learning says little against a regulariser."""
    says = import_module(f"{__package__}.{setting}").SETTING.says
    found = result(setting)
    if found is None:
        return f"{says}; not recorded yet"
    train, test = (found.mean(BASELINE, name) for name in ("train_accuracy", "accuracy"))
    seeds = len(found.values(BASELINE))
    return (
        f"{says}; the baseline is right on {100 * train:.1f} % of its own training images and on "
        f"{100 * test:.1f} % of the test images, {seeds} seeds"
    )


def finding(slug: str, setting: str) -> Finding | None:
    """Say what a standing setting found of a trick in test accuracy; None while it has fewer than
    five seeds, or where the setting does not hold the trick."""
    comparison = comparisons().get(slug)
    return _finding(setting, comparison.arm, comparison.against) if comparison else None


def note(slug: str, setting: str) -> str:
    """Return what one must know of a trick's arm in a standing setting, as " (...)"; often ""."""
    one = comparisons().get(slug)
    told = one.notes.get(setting) if one else None
    return f" ({told})" if told else ""


def rival_finding(slug: str, setting: str) -> Finding | None:
    """Compare a trick with its honest rival in the same way; None where it has none, or where the
    rival is what the trick stands against anyway: crop and mirror are colour's baseline."""
    one = comparisons().get(slug)
    if one is None or (_is_baseline(one.rival, setting) and one.against == BASELINE):
        return None
    return _finding(setting, one.arm, one.rival, one.rival_metric)


def _is_baseline(arm: str, setting: str) -> bool:
    """Tell whether an arm is another name of the baseline."""
    name: str = import_module(f"{__package__}.{setting}").SETTING.also
    return arm in (BASELINE, name)


def _finding(setting: str, arm: str, against: str, metric: str = "accuracy") -> Finding | None:
    found = result(setting)
    if found is None or not {arm, against} <= set(found.runs):
        return None
    if len(found.runs[arm].keys() & found.runs[against].keys()) < ENOUGH:
        return None
    gap = found.difference(arm, metric, against, comparisons=len(comparisons()))
    return Finding(gap, setting)
