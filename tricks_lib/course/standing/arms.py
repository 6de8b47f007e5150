"""Every trick of the course, put into one baseline: the arms of a standing setting.

A standing setting is the same for every trick, and was fixed before any trick was run in it. The
tricks stand at the settings that their papers publish, scaled to the size of the images, with the
baseline's learning rate; what changes the meaning of a learning rate (optimizers, schedules, no
batch normalisation) has as many tries as the baseline had, in the setting's search.

Chapter: notebooks/00_baseline.ipynb
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch

from ...augment import (
    AutoAugment,
    ColorShift,
    Compose,
    Cutout,
    RandAugment,
    RandomErasing,
    RandomResizedCrop,
    Rotation,
    TrivialAugment,
    identity,
)
from ...lab.data import Data, Split
from ...mix import RICAP, CutMix, Mixup, one_of
from ...models import he_, initialized, xavier_, zero_last_gamma_
from ...objectives import L1Penalty, LabelSmoothingLoss, supervised
from ...optimizers import adabound, adam, adamw, sgd
from ...protocols import Augment, Mix
from ...recipe import Recipe
from ...schedules import (
    constant,
    cosine_decay,
    cosine_restarts,
    gradual_warmup,
    linear_decay,
    step_decay,
)
from ...stopping import EarlyStopping
from ..chapter import chapters
from .comparisons import BASELINE

__all__ = ["BASELINE", "Frame", "arms", "of_chapters", "tries"]

LARGE = 8
"""How many of the baseline's batches make a large one."""


@dataclass(frozen=True)
class Frame:
    """What the two standing settings do not share.

    Args:
        epochs: length of a run.
        batch_size: images in a step.
        model: the network: (channels, classes, batch_norm=, dropout=) -> a fresh one.
        augment: what the baseline does to its images.
        side: height and width of the images, in pixels.
        policy: what AutoAugment applies.
    """

    epochs: int
    batch_size: int
    model: Callable[..., Any]
    augment: Augment
    side: int
    policy: str

    def recipe(self, lr: float, **slots: Any) -> Recipe:
        """Return the recipe that all arms share, with a learning rate, and with other slots."""
        shared: dict[str, Any] = {
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            "model": self.model,
            "augment": self.augment,
            "schedule": linear_decay(self.epochs),
        }
        return Recipe(lr=lr, **(shared | slots))

    def then(self, augment: Augment) -> Augment:
        """Return the baseline's augmentation followed by another."""
        return augment if self.augment == identity else Compose(self.augment, augment)


def tries(frame: Frame) -> dict[str, dict[str, Recipe]]:
    """Return what is searched, by group: the baseline, and what gives the learning rate another
    meaning, all with the same number of tries.

    Where the rates of a group lie was looked at first, in *garments* and with one or two seeds:
    where the best was the lowest or the highest of its group, the row was moved.

    Args:
        frame: the setting.
    """
    epochs = frame.epochs
    by_rate: dict[str, tuple[float, dict[str, Any]]] = {
        BASELINE: (0.05, {}),
        "constant learning rate": (0.0125, {"schedule": constant()}),
        "step decay": (0.025, {"schedule": step_decay((epochs / 2, 3 * epochs / 4))}),
        "cosine decay": (0.05, {"schedule": cosine_decay(epochs)}),
        # Without batch normalisation many of the baseline's rates are too large to learn at all.
        "no batch norm": (0.0125, {"model": partial(frame.model, batch_norm=False)}),
    }
    found = {
        group: {
            f"{group}, lr {lr:g}": frame.recipe(lr, **slots)
            for lr in (lowest * 2**step for step in range(5))
        }
        for group, (lowest, slots) in by_rate.items()
    }
    optimizers = {
        "Adam": partial(adam, weight_decay=5e-4),
        "AdamW": partial(adamw, weight_decay=0.05),
    }
    for group, optimizer in optimizers.items():
        found[group] = {
            f"{group}, lr {lr:g}": frame.recipe(lr, optimizer=optimizer)
            for lr in (1e-3, 3e-3, 1e-2, 3e-2, 0.1)
        }
    # The authors' defaults first.
    found["AdaBound"] = {
        f"AdaBound, lr {lr:g}, limit {limit:g}": frame.recipe(
            lr, optimizer=partial(adabound, final_lr=limit, weight_decay=5e-4)
        )
        for lr, limit in ((1e-3, 0.1), (1e-3, 1.0), (1e-2, 1.0), (1e-2, 3.0), (3e-2, 3.0))
    }
    return found


def arms(
    frame: Frame, lr: float, chosen: Mapping[str, Recipe], further: Mapping[str, Recipe]
) -> dict[str, Recipe]:
    """Return all arms of a standing setting, the baseline first.

    Args:
        frame: the setting.
        lr: the baseline's learning rate, by its search.
        chosen: the best try of each other group of the search.
        further: arms of this setting alone, or made in another way.
    """
    base, epochs = frame.recipe(lr), frame.epochs
    fall, large = linear_decay(epochs), LARGE * frame.batch_size
    augments: dict[str, Augment] = {
        "Cutout": Cutout(size=frame.side // 2),
        "Random Erasing": RandomErasing(),
        "rotation": Rotation(degrees=15),
        "resized crop": RandomResizedCrop(),
        "colour shift": ColorShift(),
        "AutoAugment": AutoAugment(frame.policy),
        "RandAugment": RandAugment(),
        "TrivialAugment": TrivialAugment(),
    }
    mixes: dict[str, Mix] = {
        "Mixup": Mixup(alpha=1.0),
        "Mixup, α = 0.2": Mixup(alpha=0.2),
        "CutMix": CutMix(alpha=1.0),
        "Mixup or CutMix": one_of(Mixup(alpha=0.2), CutMix(alpha=1.0)),
        "RICAP": RICAP(),
    }
    warm = gradual_warmup(0.1 * epochs, then=linear_decay(0.9 * epochs))
    return {
        BASELINE: base,
        # The honest rivals: what costs least and does the same work.
        "half the learning rate": replace(base, lr=lr / 2),
        "1.5 times the epochs": replace(
            base, epochs=round(1.5 * epochs), schedule=linear_decay(round(1.5 * epochs))
        ),
        **further,
        **{name: replace(base, mix=mix) for name, mix in mixes.items()},
        **{name: replace(base, augment=frame.then(augment)) for name, augment in augments.items()},
        "label smoothing": replace(base, objective=supervised(LabelSmoothingLoss(0.1))),
        "warmup": replace(base, schedule=warm),
        **chosen,
        "restarts": replace(
            chosen["cosine decay"],
            schedule=cosine_restarts(period=epochs / 7, multiplier=2),
        ),
        "large batches": replace(base, batch_size=large, schedule=fall),
        "large batches, scaled": replace(base, batch_size=large, lr=LARGE * lr),
        "large batches, scaled, warmup": replace(
            base, batch_size=large, lr=LARGE * lr, schedule=warm
        ),
        "no weight decay": replace(base, optimizer=partial(sgd, weight_decay=0.0)),
        "L1 penalty": replace(
            base, optimizer=partial(sgd, weight_decay=0.0), objective=L1Penalty(1e-5)
        ),
        "dropout": replace(base, model=partial(frame.model, dropout=0.5)),
        "early stopping": replace(base, stop=EarlyStopping(patience=5)),
        "Xavier": replace(base, model=partial(initialized, build=frame.model, init=xavier_)),
        "He": replace(base, model=partial(initialized, build=frame.model, init=he_)),
        "zero gamma": replace(
            base, model=partial(initialized, build=frame.model, init=zero_last_gamma_)
        ),
    }


def of_chapters(frame: Frame, base: Recipe, known: Collection[str]) -> dict[str, Recipe]:
    """Return an arm for each chapter that was added to the course: its switch, put into the
    baseline.

    Args:
        frame: the setting.
        base: its baseline.
        known: slugs of the chapters whose arms stand above.
    """
    black = torch.zeros(1, 3, frame.side, frame.side, dtype=torch.uint8)
    split = Split(black, torch.zeros(1, dtype=torch.int64))
    sized = Data("one image", split, split, ("black",), torch.zeros(3), torch.ones(3))
    found = {}
    for chapter in chapters():
        if chapter.switch and chapter.slug not in known:
            recipe = chapter.switch(base, sized)
            if recipe.augment != base.augment:  # on top of the baseline's, not in its place
                recipe = replace(recipe, augment=frame.then(recipe.augment))
            found[chapter.title] = recipe
    return found
