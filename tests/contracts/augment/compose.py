from tricks_lib import Compose, Cutout, HorizontalFlip, RandomCrop, Rotation

from ..cases import AugmentCase, Wrong

CASE = AugmentCase(
    examples=[
        Compose(RandomCrop(padding=2), HorizontalFlip(), Cutout(size=6)),
        Compose(Rotation(fill=None), Compose(HorizontalFlip())),
    ],
    wrong=[
        Wrong(
            Compose,
            TypeError,
            "steps must be augmentations, such as HorizontalFlip(), got ",
            steps=HorizontalFlip,
        ),
    ],
)
