"""The standing setting *garments*: the course's baseline on small grey pictures of clothes.

8,000 training images of Fashion-MNIST, 10 epochs. Each seed draws its training images, and 2,000
others for choices, from the 10,000 that come with the package; all are judged by the same 5,000
test images. A run takes 20 seconds on one core of a CPU; those on record were made on a GPU.

Chapter: notebooks/00_baseline.ipynb
"""

from functools import cache

from ...augment import Compose, HorizontalFlip, RandomCrop, identity
from ...lab.data import Data, load_data
from ...lab.study import OwnImages
from ...models import small_resnet
from .arms import BASELINE, Frame
from .setting import Setting

__all__ = ["DATA", "SETTING"]


@cache
def pool() -> Data:
    """Load the 10,000 images from which each seed draws, and the test images."""
    return load_data("fashion-mini")


DATA = OwnImages(pool, train=8000, validation=2000)

FRAME = Frame(
    epochs=10, batch_size=128, model=small_resnet, augment=identity, side=28, policy="svhn"
)

CHOSEN = {
    BASELINE: "baseline, lr 0.1",
    "constant learning rate": "constant learning rate, lr 0.1",
    "step decay": "step decay, lr 0.1",
    "cosine decay": "cosine decay, lr 0.4",
    "no batch norm": "no batch norm, lr 0.1",
    "Adam": "Adam, lr 0.01",
    "AdamW": "AdamW, lr 0.01",
    "AdaBound": "AdaBound, lr 0.03, limit 3",
}
"""The best try of each group in the recorded search: `tools/choose.py` writes it, and a test holds
the two together."""

SETTING = Setting(
    name="garments",
    says="8,000 small grey pictures of clothes (Fashion-MNIST), 10 epochs, images as they are",
    frame=FRAME,
    data=DATA,
    chosen=CHOSEN,
    search_seeds=range(100, 105),
    seeds=10,
    further={"crop and mirror": {"augment": Compose(RandomCrop(), HorizontalFlip())}},
    also="neither crop nor mirror",
    teacher=32,
)
