"""The tricks in training loops of your own: transforms, data loaders, schedulers.

    v2.Compose([v2.PILToTensor(), as_transform(Cutout(8)), v2.ToDtype(torch.float32, scale=True)])
    DataLoader(images, collate_fn=as_collate(Mixup(0.2), num_classes=10))
    as_scheduler(optimizer, gradual_warmup(1, then=cosine_decay(9)), steps_per_epoch=len(loader))

The names are in lower case because they are used like functions. None needs torchvision; where it
is there, its types are kept.
"""

import copy
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from torch.utils.data import default_collate

from .ops.arguments import as_number, as_rows, check_count
from .protocols import Augment, Mix, Schedule

__all__ = ["as_collate", "as_scheduler", "as_transform"]


# --- Augmentations ---


@dataclass(frozen=True)
class as_transform:
    """Turn an augmentation into a transform for `torchvision.transforms.v2.Compose`.

    Which values of a sample are images is decided as torchvision does: all `tv_tensors.Image`, or
    else the first plain tensor. Labels and everything else pass. Several images of one sample get
    the same draw; of a batch (B, C, H, W), each image gets one of its own.

    Args:
        augment: images -> images, such as `Cutout(8)` or a `Compose` of several.

    Shape: what `Compose` hands on, which may be an image alone, an image and its label, a
        dictionary, or any nest of tuples, lists and dictionaries. Images are uint8 or float
        (C, H, W) or (B, C, H, W). The same structure comes back; `tv_tensors` keep their type.

    Raises:
        TypeError: if `augment` is no augmentation, there is no image, an image is one of PIL, or
            there are boxes, masks, key points or videos, which an augmentation of this package
            would not move along with the image.
        ValueError: if several images of a sample have different shapes.
    """

    augment: Augment

    def __post_init__(self) -> None:
        """Check the parameter once."""
        _check_value("augment", self.augment, "Cutout(8)")

    def __call__(self, *inputs: Any) -> Any:
        """Return the sample with its images augmented."""
        sample = inputs if len(inputs) != 1 else inputs[0]
        leaves = list(_leaves(sample))
        places = _images(leaves)
        images = [leaves[place].as_subclass(Tensor) for place in places]
        for place, changed in zip(places, self._augmented(images), strict=True):
            leaves[place] = _typed_as(leaves[place], changed)
        return _rebuilt(sample, iter(leaves))

    def _augmented(self, images: list[Tensor]) -> list[Tensor]:
        augment: Any = self.augment
        if len(images) == 1 or not hasattr(augment, "draw"):
            return [augment(image) for image in images]
        if len(shapes := {tuple(image.shape) for image in images}) > 1:
            raise ValueError(f"images of one sample must have the same shape, got {sorted(shapes)}")
        draw = augment.draw(images[0].shape)
        return [augment.apply(image, draw) for image in images]


def _images(leaves: list[Any]) -> list[int]:
    """Find the images in a sample, and refuse what they cannot be augmented with."""
    # If a module was not imported, nothing here can be of its types.
    pil, tv_tensors = sys.modules.get("PIL.Image"), sys.modules.get("torchvision.tv_tensors")
    plain, typed = [], []
    for place, leaf in enumerate(leaves):
        if pil and isinstance(leaf, pil.Image):
            raise TypeError(
                "as_transform takes tensors, got an image of PIL; put v2.PILToTensor() before it"
            )
        if tv_tensors and isinstance(leaf, tv_tensors.TVTensor):
            if not isinstance(leaf, tv_tensors.Image):
                raise TypeError(
                    f"as_transform augments images, got {type(leaf).__name__} beside them, which "
                    "would not be moved with the image; for these use torchvision's own transforms"
                )
            typed.append(place)
        elif isinstance(leaf, Tensor):
            plain.append(place)
    if not typed and not plain:
        kinds = ", ".join(sorted({type(leaf).__name__ for leaf in leaves})) or "nothing"
        raise TypeError(f"as_transform needs an image, a tensor (C, H, W), got {kinds}")
    return typed or plain[:1]


def _typed_as(before: Tensor, changed: Tensor) -> Tensor:
    """Give a changed image the type that it had."""
    if type(before) is Tensor:
        return changed
    from torchvision import tv_tensors

    return tv_tensors.wrap(changed, like=before)


def _leaves(sample: Any) -> Iterator[Any]:
    """Go through all that tuples, lists and dictionaries hold, from left to right."""
    if isinstance(sample, dict):
        sample = list(sample.values())
    if isinstance(sample, tuple | list):
        for part in sample:
            yield from _leaves(part)
    else:
        yield sample


def _rebuilt(sample: Any, leaves: Iterator[Any]) -> Any:
    """Build the same structure again, of other leaves."""
    if isinstance(sample, dict):
        changed = copy.copy(sample)  # keeps the order, and a class of one's own
        changed.update({key: _rebuilt(value, leaves) for key, value in sample.items()})
        return changed
    if isinstance(sample, tuple | list):
        parts = [_rebuilt(part, leaves) for part in sample]
        return type(sample)(*parts) if hasattr(sample, "_fields") else type(sample)(parts)
    return next(leaves)


# --- Mixtures ---


@dataclass(frozen=True)
class as_collate:
    """Turn a mixture into a `collate_fn` for a `DataLoader`, which mixes each batch.

    Workers draw from generators of their own, which torch seeds anew in every epoch from that of
    the main process: no two workers, and no two epochs, draw the same.

    Args:
        mix: (images, target rows) -> the same shapes, such as `Mixup(0.2)`.
        num_classes: K, the number of classes.
        collate: samples -> (images, targets, ...), a batch; torch's by default.

    Shape: samples (image, label) or (image, row of probabilities), float or, if nothing is
        blended, uint8 (C, H, W). A batch is images (B, C, H, W) and target rows (B, K), then what
        else the samples hold.

    Raises:
        TypeError: if `mix` is no mixture, or samples do not begin with a tensor and a label.
        ValueError: if `num_classes` is below 1, or a label is no class.
    """

    mix: Mix
    num_classes: int
    collate: Callable[[list[Any]], Any] = default_collate

    def __post_init__(self) -> None:
        """Check the parameters once."""
        _check_value("mix", self.mix, "Mixup(0.2)")
        check_count("num_classes", self.num_classes)
        _check_value("collate", self.collate, "torch.utils.data.default_collate")

    def __call__(self, samples: list[Any]) -> tuple[Tensor, ...]:
        """Return a mixed batch."""
        if self.collate is default_collate:
            _check_sample(samples[0])
        images, labels, *others = self.collate(samples)
        mixed, rows = self.mix(images, as_rows(labels, self.num_classes, len(images), "labels"))
        return mixed, rows, *others


def _check_sample(sample: Any) -> None:
    if not isinstance(sample, tuple | list) or len(sample) < 2:
        raise TypeError(
            f"as_collate takes samples (image, label), got {type(sample).__name__}; "
            "`collate=` a function of your own can make batches of others"
        )
    kind = type(sample[0])
    if not issubclass(kind, Tensor):
        raise TypeError(
            f"as_collate takes images as tensors, got {kind.__module__}.{kind.__name__}; put "
            "v2.PILToTensor() and v2.ToDtype(torch.float32, scale=True) into the transform"
        )


# --- Schedules ---


class as_scheduler(LRScheduler):
    """Turn a schedule into a torch scheduler: call `step()` after each step of the optimizer.

    The learning rate of each group is its own times `schedule(steps / steps_per_epoch)`. The
    `state_dict` holds numbers alone, so that `torch.load(weights_only=True)` takes it; loading it
    sets the learning rates, and leaves the schedule as it is here.

    Args:
        optimizer: whose learning rates are set, now and at each step.
        schedule: time in epochs -> factor on the learning rate, such as `cosine_decay(length=10)`.
        steps_per_epoch: steps of the optimizer in one epoch, such as `len(loader)`; 1 for a
            schedule that counts steps.

    Raises:
        TypeError: if `schedule` is none, or gives something else than a number.
        ValueError: if `steps_per_epoch` is below 1, or a factor is negative or not finite.
    """

    def __init__(self, optimizer: Optimizer, schedule: Schedule, steps_per_epoch: int):
        _check_value("schedule", schedule, "cosine_decay(length=10)")
        check_count("steps_per_epoch", steps_per_epoch)
        self.schedule, self.steps_per_epoch = schedule, int(steps_per_epoch)
        super().__init__(optimizer)

    def get_lr(self) -> list[float | Tensor]:
        """Return the learning rate of each group for the next step."""
        time = self.last_epoch / self.steps_per_epoch
        factor = as_number(f"the factor of schedule at time {time:g}", self.schedule(time), 0)
        return [base * factor for base in self.base_lrs]

    def state_dict(self) -> dict[str, Any]:
        """Return the numbers from which `load_state_dict` continues."""
        return {
            "last_epoch": self.last_epoch,  # torch's name; here it counts steps
            "_step_count": self._step_count,
            "steps_per_epoch": self.steps_per_epoch,
            "base_lrs": list(self.base_lrs),
            "_last_lr": list(self._last_lr),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from saved numbers; the schedule stays.

        Raises:
            ValueError: if they were saved with other numbers of steps per epoch or of groups.
        """
        per_epoch, rates = state_dict["steps_per_epoch"], state_dict["_last_lr"]
        if per_epoch != self.steps_per_epoch:
            raise ValueError(
                f"the state was saved with steps_per_epoch={per_epoch}, this scheduler has "
                f"{self.steps_per_epoch}: the same step would be another time"
            )
        groups = self.optimizer.param_groups
        if len(rates) != len(groups):
            raise ValueError(
                f"the state was saved of {len(rates)} groups of parameters, the optimizer has "
                f"{len(groups)}"
            )
        self.last_epoch, self._step_count = state_dict["last_epoch"], state_dict["_step_count"]
        self.base_lrs, self._last_lr = list(state_dict["base_lrs"]), list(rates)
        for group, rate in zip(groups, rates, strict=True):
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate


def _check_value(name: str, value: object, example: str) -> None:
    if isinstance(value, type) or not callable(value):
        raise TypeError(
            f"{name} must be a value that can be called, such as {example}, got {value!r}"
        )
