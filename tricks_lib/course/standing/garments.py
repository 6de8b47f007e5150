"""The standing setting *garments*: the course's baseline on small grey pictures of clothes.

8,000 training images of Fashion-MNIST, 10 epochs. Each seed draws its training images, and 2,000
others for choices, from the 10,000 that come with the package; all are judged by the same 5,000
test images. A run takes about half a minute on one core.

Chapter: notebooks/00_baseline.ipynb
"""

from functools import cache, partial
from pathlib import Path

from ...augment import Compose, HorizontalFlip, RandomCrop, identity
from ...lab.data import Data, load_data
from ...lab.study import OwnImages
from ...models import small_resnet
from ..plan import StudyPlan
from .arms import BASELINE, Frame, arms, tries
from .distilled import Distilled
from .measure import AVERAGED, METRICS, TEMPERED, standing_figures, with_last_networks

__all__ = ["DATA", "PLAN", "SEARCH"]

RESULTS = Path(__file__).with_name("results")


@cache
def pool() -> Data:
    """Load the 10,000 images from which each seed draws, and the test images."""
    return load_data("fashion-mini")


DATA = OwnImages(pool, train=8000, validation=2000)

FRAME = Frame(
    epochs=10, batch_size=128, model=small_resnet, augment=identity, side=28, policy="svhn"
)

GROUPS = tries(FRAME, rates=(0.05, 0.1, 0.2))

SEARCH = StudyPlan(
    path=RESULTS / "garments-search.jsonl",
    recipes={name: recipe for group in GROUPS.values() for name, recipe in group.items()},
    data=DATA,
    seeds=(100, 101),
    on="validation",
)
"""Made for choices, on validation images alone."""


TIES = None
"""The tries that tied, recorded with further seeds; None if none did."""

CHOSEN = {
    BASELINE: "baseline, lr 0.1",
    "constant learning rate": "constant learning rate, lr 0.1",
    "step decay": "step decay, lr 0.1",
    "cosine decay": "cosine decay, lr 0.1",
    "no batch norm": "no batch norm, lr 0.025",
    "Adam": "Adam, lr 0.003",
    "AdamW": "AdamW, lr 0.003",
    "AdaBound": "AdaBound, lr 0.001, limit 1",
}
"""The best try of each group. Until the search is recorded to its end these are guesses, and no arm
may be recorded; a test holds the two together."""

BASE = GROUPS[BASELINE][CHOSEN[BASELINE]]

PLAN = StudyPlan(
    path=RESULTS / "garments.jsonl",
    recipes=arms(
        FRAME,
        lr=BASE.lr,
        chosen={name: GROUPS[name][CHOSEN[name]] for name in GROUPS if name != BASELINE},
        further={
            "crop and mirror": FRAME.recipe(
                BASE.lr, augment=Compose(RandomCrop(), HorizontalFlip())
            ),
        },
    ),
    functions={
        "distillation": Distilled(
            teacher=FRAME.recipe(BASE.lr, model=partial(small_resnet, width=32)),
            student=BASE,
            data=DATA,
        )
    },
    data=DATA,
    seeds=5,
    measure=standing_figures,
    metrics=METRICS,
    train=with_last_networks,
    tuning=SEARCH,
    derived={
        "a temperature": (BASELINE, TEMPERED),
        "averaged weights": (BASELINE, AVERAGED),
        "constant learning rate, averaged": ("constant learning rate", AVERAGED),
        "neither crop nor mirror": (BASELINE, ""),
    },
)
"""All tricks, each against the baseline and against its rival: see `comparisons`."""
