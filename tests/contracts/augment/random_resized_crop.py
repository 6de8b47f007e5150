from functools import partial

import torch

from tricks_lib import RandomResizedCrop, resized_crop

from ..cases import AugmentCase, Call, Wrong, some_bytes, some_floats, some_places


def some_rectangles(count, images):
    places = some_places(count)
    return {
        "images": images(count),
        "top": places,
        "left": 4 - places,
        "height": 3 + places % 3,
        "width": torch.full((count,), 6),
    }


SMALLER = RandomResizedCrop(size=(24, 20))

CASE = AugmentCase(
    examples=[
        RandomResizedCrop(),
        RandomResizedCrop(area=(0.2, 0.5), aspect=(0.5, 0.6)),
        SMALLER,
    ],
    resizes=[SMALLER],
    calls=[
        Call(resized_crop, partial(some_rectangles, images=some_floats)),
        Call(resized_crop, lambda count: some_rectangles(count, some_floats) | {"size": (5, 20)}),
        Call(resized_crop, partial(some_rectangles, images=some_bytes), gradient=()),
    ],
    wrong=[
        Wrong(
            RandomResizedCrop,
            ValueError,
            "each side of size must be a whole number >= 1, got 0",
            size=0,
        ),
        Wrong(
            RandomResizedCrop,
            TypeError,
            "each side of size must be a whole number >= 1, got 1.5",
            size=(2, 1.5),
        ),
        Wrong(
            RandomResizedCrop,
            ValueError,
            "size must be one number, or a pair (height, width), got (3, 32, 32)",
            size=(3, 32, 32),
        ),
        Wrong(RandomResizedCrop, ValueError, "largest area must be a number > 0", area=(0.1, 1.1)),
        Wrong(RandomResizedCrop, ValueError, "smallest area must be a number > 0", area=(0, 1)),
        Wrong(RandomResizedCrop, ValueError, "smallest aspect must be a number", aspect=(0, 1)),
        Wrong(RandomResizedCrop, TypeError, "aspect must be a pair (smallest", aspect=1.0),
    ],
)
