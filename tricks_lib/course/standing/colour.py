"""The standing setting *colour*: small photographs.

4,000 training images of CIFAR-10, with random crops and mirror images in the baseline. Each seed
draws its training images, and 5,000 others for choices, from the 50,000; all are judged by the same
10,000 test images.

The papers' networks fit their training images. This one was laid out to be right on 95 % of its
own, by looks at the learning rate 0.1 (see `LOOKS`), and is there at that rate. But the search
found 0.4 to be better by three points on the validation images, and with 0.4 the network knows only
87 % of its images when the 60 epochs are over. It is still learning, so that longer training helps
it more than any trick, and a regulariser comes too early.

A run takes two to three minutes on one core of a CPU. The runs on record were made on a GPU, many
side by side.

`load_data("cifar10")` fetches the images. Where the environment variable `TRICKS_CIFAR10` names a
folder with the same images, such as one of JPEG files, they come from there; the record says which.

Chapter: notebooks/00_baseline.ipynb
"""

import os
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

from ...augment import Compose, HorizontalFlip, PCAColor, RandomCrop, identity
from ...lab.data import Data, load_data
from ...lab.study import OwnImages
from ...models import small_resnet
from .arms import BASELINE, Frame
from .setting import Setting

__all__ = ["DATA", "SETTING"]


@cache
def pool() -> Data:
    """Load the 50,000 images from which each seed draws, and the test images."""
    folder = os.environ.get("TRICKS_CIFAR10")
    if not folder:
        return load_data("cifar10")
    return replace(load_data(Path(folder)), name="cifar10, re-encoded as JPEG")


DATA = OwnImages(pool, train=4000, validation=5000)


@dataclass(frozen=True)
class Look:
    """A baseline that was tried: one run, with crops and mirror images, learning rate 0.1 unless
    said, batches of 64, falling in a straight line after two epochs of warmup.

    Args:
        images: training images.
        epochs: length of the run.
        width: channels of the first stage.
        stages: residual blocks, each in a stage of its own.
        validation: accuracy on 5,000 validation images, in %.
        train: accuracy on the training images as they are, in %.
        note: what else was different.
    """

    images: int
    epochs: int
    width: int
    stages: int
    validation: float
    train: float
    note: str = ""


LOOKS = (
    Look(4000, 40, 32, 3, 66.4, 87.1),
    Look(5000, 40, 32, 3, 69.7, 89.6),
    Look(4000, 40, 32, 3, 67.5, 86.5, "learning rate 0.05, batches of 32"),
    Look(4000, 40, 32, 3, 66.4, 87.4, "weight decay 1e-4"),
    Look(4000, 45, 32, 4, 66.2, 96.5),
    Look(4000, 80, 16, 4, 65.1, 98.5),
    Look(5000, 60, 16, 4, 67.7, 94.4),
    Look(4000, 60, 32, 4, 67.7, 99.1, "learning rate 0.2, after the study"),
    Look(4000, 60, 32, 4, 68.4, 94.0, "learning rate 0.4, after the study"),
)
"""What was looked at, on validation images and with the baseline alone; all but the last two before
the search. With a fourth stage the network learns its images; at the learning rate 0.1, 16 channels
do so as well as 32, in more epochs that are cheaper. At larger rates only 32 channels do, which is
the width for the next recording."""

EPOCHS = 70
"""Between two looks with 4,000 images."""

FRAME = Frame(
    epochs=EPOCHS,
    batch_size=64,
    model=partial(small_resnet, width=32, depths=(1, 1, 1, 1)),
    augment=Compose(RandomCrop(), HorizontalFlip()),
    side=32,
    policy="cifar10",
)

CHOSEN = {
    BASELINE: "baseline, lr 0.4",
    "constant learning rate": "constant learning rate, lr 0.0125",
    "step decay": "step decay, lr 0.05",
    "cosine decay": "cosine decay, lr 0.4",
    "no batch norm": "no batch norm, lr 0.05",
    "Adam": "Adam, lr 0.003",
    "AdamW": "AdamW, lr 0.01",
    "AdaBound": "AdaBound, lr 0.01, limit 3",
}
"""The best try of each group in the recorded search: `tools/choose.py` writes it, and a test holds
the two together."""

SETTING = Setting(
    name="colour",
    says="4,000 small photographs (CIFAR-10), 60 epochs, with random crops and mirror images",
    frame=FRAME,
    data=DATA,
    chosen=CHOSEN,
    search_seeds=(100, 101),
    seeds=5,
    further={
        "neither crop nor mirror": {"augment": identity},
        "PCA colour": {"augment": FRAME.then(PCAColor())},
    },
    also="crop and mirror",
    teacher=64,
)
