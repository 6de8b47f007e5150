from functools import partial

from tricks_lib import Cutout, cut_out

from ..cases import AugmentCase, Call, Wrong, some_bytes, some_places

CASE = AugmentCase(
    examples=[Cutout(size=8), Cutout(size=5, holes=3, fill=0)],
    calls=[
        Call(
            cut_out,
            lambda count: {
                "images": some_bytes(count),
                "y": some_places(count)[:, None],
                "x": some_places(count)[:, None],
                "size": 4,
                "fill": 9,
            },
        ),
    ],
    wrong=[
        Wrong(Cutout, ValueError, "size must be a whole number >= 1, got 0", size=0),
        Wrong(Cutout, TypeError, "size must be a whole number >= 1, got 2.0", size=2.0),
        Wrong(partial(Cutout, 8), ValueError, "holes must be a whole number >= 1, got 0", holes=0),
        Wrong(partial(Cutout, 8), TypeError, "fill must be a number", fill="random"),
    ],
)
